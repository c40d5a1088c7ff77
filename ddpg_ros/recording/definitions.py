"""The text definition of a ROS 2 message type, which a recording carries for its readers.

rosbag2 copies the `.msg` files of an installation. The wheels of ROS 2 have none, so the text is
made of what each message class says about its fields. Comments and constants are not in it; no
reader needs them.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

_SEPARATOR = "=" * 80
_BASIC = {"boolean": "bool", "octet": "byte", "float": "float32", "double": "float64"}
_SEQUENCE = re.compile(r"sequence<(?P<item>.+?)(, (?P<most>\d+))?>")
_ARRAY = re.compile(r"(?P<item>.+)\[(?P<count>\d+)\]")
_STRING = re.compile(r"(?P<kind>w?string)<(?P<most>\d+)>")


def message_class(name: str) -> Any:
    """Return the class of a message type, `sensor_msgs/msg/JointState`.

    Raises:
        ModuleNotFoundError: its package is not installed.
        AttributeError: the package has no such type.
    """
    package, _, kind = name.partition("/")
    return getattr(import_module(f"{package}.msg"), kind.rpartition("/")[2])


def definition_of(name: str) -> str:
    """Return the definition of a message type, and those of all types within it, as `ros2msg`.

    Args:
        name: `sensor_msgs/msg/JointState`.
    """
    first, *others = _with_dependencies(name)
    texts = [_fields_of(first)]
    for other in others:
        package, _, kind = other.split("/")
        texts.append(f"{_SEPARATOR}\nMSG: {package}/{kind}\n{_fields_of(other)}")
    return "".join(texts)


def _with_dependencies(name: str) -> Iterator[str]:
    waiting, seen = [name], {name}
    while waiting:
        one = waiting.pop(0)
        yield one
        for field in message_class(one).get_fields_and_field_types().values():
            item = _item_of(field)
            if "/" in item:
                package, kind = item.split("/")
                inner = f"{package}/msg/{kind}"
                if inner not in seen:
                    seen.add(inner)
                    waiting.append(inner)


def _fields_of(name: str) -> str:
    fields = message_class(name).get_fields_and_field_types()
    return "".join(f"{_text_of(kind)} {field}\n" for field, kind in fields.items())


def _item_of(kind: str) -> str:
    """Return what a sequence or an array holds; another type is returned as it is."""
    found = _SEQUENCE.fullmatch(kind) or _ARRAY.fullmatch(kind)
    return found["item"] if found else kind


def _text_of(kind: str) -> str:
    """Return the type of a field as `.msg` files write it: `sequence<double>` is `float64[]`."""
    found = _SEQUENCE.fullmatch(kind)
    if found:
        most = f"<={found['most']}" if found["most"] else ""
        return f"{_text_of(found['item'])}[{most}]"
    found = _ARRAY.fullmatch(kind)
    if found:
        return f"{_text_of(found['item'])}[{found['count']}]"
    found = _STRING.fullmatch(kind)
    if found:
        return f"{found['kind']}<={found['most']}"
    return _BASIC.get(kind, kind)
