"""The YAML dialect of files, `-p NAME:=VALUE` and `--set NAME=VALUE`.

Unquoted words have the meaning of YAML 1.2, and `yes`, `no`, `on` and `off` are booleans, as in
ROS. `1e6` is a number and `0x10` is 16. YAML readers differ on `010`, `1_000` and `1:30`, so here
they are text, which is refused for a number. Aliases, as in rcl, and duplicate keys are refused.
"""

import json
import math
import re
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)")
_FLOAT = re.compile(
    r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.inf|\.Inf"
    r"|\.INF)|\.nan|\.NaN|\.NAN"
)
_WORDS = {"null": _NULL, "bool": _BOOL, "int": _INT, "float": _FLOAT}
_TAG = "tag:yaml.org,2002:"
_TEXT = _TAG + "str"
_TRUE = ("yes", "true", "on")


def read_yaml(text: str) -> Any:
    """Return the content of a YAML document: dicts, lists, text, numbers, booleans and None.

    Raises:
        ValueError: not YAML, or not of this dialect; the message is one line.
    """
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        problem = " ".join(str(error).replace('"<unicode string>", ', "").split())
        raise ValueError(problem) from None
    except RecursionError:
        raise ValueError("lists or mappings are nested too deep") from None


def read_number(text: str) -> int | float | None:
    """Return the number that a word represents; None if it is not a number."""
    if _INT.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return None


def write_yaml(document: Any) -> str:
    """Return a document as YAML that `read_yaml` and rcl read back unchanged."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False)
    return text


def write_inline(value: Any) -> str:
    """Return a value as YAML on one line, for a place within a document."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, width=math.inf, allow_unicode=True
    )
    line = text.removesuffix("\n").removesuffix("\n...")
    return json.dumps(value, ensure_ascii=False) if "\n" in line else line


class _Loader(yaml.SafeLoader):
    def resolve(self, kind: type[Node], value: str, implicit: Any) -> str:
        if kind is ScalarNode and implicit[0]:
            return next((_TAG + name for name, w in _WORDS.items() if w.fullmatch(value)), _TEXT)
        return {ScalarNode: _TEXT, SequenceNode: f"{_TAG}seq"}.get(kind, f"{_TAG}map")

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise ComposerError(None, None, "an alias (*) has no place in parameters", mark)
        node: Node | None = super().compose_node(parent, index)
        return node

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise ConstructorError(None, None, f"'{key.value}' comes twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def construct_number(self, node: ScalarNode) -> int | float:
        number = read_number(str(self.construct_scalar(node)))
        if number is None:
            raise ConstructorError(None, None, f"'{node.value}' is no number", node.start_mark)
        return number

    def construct_bool(self, node: ScalarNode) -> bool:
        return str(self.construct_scalar(node)).lower() in _TRUE

    def construct_other(self, node: Node) -> None:
        raise ConstructorError(
            None, None, f"{node.tag} has no place in parameters", node.start_mark
        )


_Loader.add_constructor(_TAG + "int", _Loader.construct_number)
_Loader.add_constructor(_TAG + "float", _Loader.construct_number)
_Loader.add_constructor(_TAG + "bool", _Loader.construct_bool)
for _tag in ("timestamp", "binary", "set", "omap", "pairs"):
    _Loader.add_constructor(_TAG + _tag, _Loader.construct_other)


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: _Dumper, text: str) -> ScalarNode:
    style = "'" if any(kind.fullmatch(text) for kind in _WORDS.values()) else None
    return dumper.represent_scalar(_TEXT, text, style)


_Dumper.add_representer(str, _text)
