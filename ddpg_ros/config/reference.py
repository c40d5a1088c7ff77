"""The reference of all settings, in Markdown, from the models that declare them.

`python -m ddpg_ros.config.reference docs/configuration.md` writes it between the two marks of
that page; a test fails if the page is not current.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ddpg_ros.config.settings import Config
from ddpg_ros.config.task_registry import OURS, settings_model
from ddpg_ros.config.task_settings import TaskSettings
from ddpg_ros.errors import EXIT_CODE

BEGIN = "<!-- settings: python -m ddpg_ros.config.reference docs/configuration.md -->"
END = "<!-- end of the settings -->"

_HEADING = ["| setting | value | default | what it is |", "|---|---|---|---|"]
_KINDS: dict[Any, str] = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_SIGNS = {Gt: (">", "gt"), Ge: ("≥", "ge"), Lt: ("<", "lt"), Le: ("≤", "le")}


def reference() -> str:
    """Return a heading and a table for each section of the settings."""
    parts: list[str] = []
    defaults = Config()
    for name, section in Config.model_fields.items():
        model = section.annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)
        about = " ".join((model.__doc__ or "").split())
        rows = _rows(name, model.model_fields, getattr(defaults, name))
        parts += [f"### {name}", "", about, "", *_HEADING, *rows, ""]
        if model is TaskSettings:
            parts += _own_settings_of_tasks()
    return "\n".join(parts)


def _own_settings_of_tasks() -> list[str]:
    parts: list[str] = []
    for task in OURS:
        model = settings_model(task)
        own = {k: f for k, f in model.model_fields.items() if k not in TaskSettings.model_fields}
        about = " ".join((model.__doc__ or "").split())
        rows = _rows("task", own, model())
        parts += [f"#### task.name: {task}", "", about, "", *_HEADING, *rows, ""]
    return parts


def with_reference(page: str) -> str:
    """Return a page whose text between the two marks is the reference.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks a mark; expected {BEGIN} and, below it, {END}")
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def _rows(prefix: str, fields: Mapping[str, FieldInfo], defaults: BaseModel) -> list[str]:
    """Return the lines of a table: one a field, as `prefix.field`."""
    rows: list[str] = []
    for key, field in fields.items():
        what = (field.description or "").replace("|", "\\|")
        default = _written(getattr(defaults, key))
        rows.append(f"| `{prefix}.{key}` | {_value(field)} | {default} | {what} |")
    return rows


def _value(field: FieldInfo) -> str:
    """Say what a field takes: `number, > 0, ≤ 1`, or `list of numbers, each > 0`."""
    kind: Any = field.annotation
    if get_origin(kind) is list:
        (item,) = get_args(kind)
        limits = list(get_args(item)[1:]) if get_origin(item) is Annotated else []
        item = get_args(item)[0] if limits else item
        of = "texts" if item is str else f"{_KINDS[item]}s"
        return f"list of {of}" + "".join(f", each {limit}" for limit in _limits(limits)[:1])
    if get_origin(kind) is Literal:
        return " or ".join(_written(choice) for choice in get_args(kind))
    return ", ".join([_KINDS[kind], *_limits(field.metadata)])


def _limits(bounds: list[Any]) -> list[str]:
    """Return bounds as a reader writes them; those that only keep out the absurd are left out."""
    limits: list[str] = []
    for kind, (sign, name) in _SIGNS.items():
        values = [getattr(bound, name) for bound in bounds if isinstance(bound, kind)]
        limits += [f"{sign} {value:g}" for value in values if value < 1e6]
    return limits


def _written(value: Any) -> str:
    """Return a value as YAML has it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return '`""`' if value == "" else f"`{value}`"


def main(arguments: list[str]) -> int:
    """Write the reference into a page, or print it; return the exit code."""
    if not arguments:
        print(reference())
        return 0
    page = Path(arguments[0])
    try:
        text = with_reference(page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"reference: {page}: {error}; nothing was written.", file=sys.stderr)
        return EXIT_CODE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
