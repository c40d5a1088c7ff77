"""What a node's command line sets, read by `parameter_file.py` as everything else is.

rcl reads `--params-file` and `-p` otherwise: it refuses an empty list and `[2, 0.5]`, and a
section `guard:` beats a `-p` that was typed after it. So these are taken out of the command line
here, in their order, and rcl gets the rest: remappings and the log's options.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpg_ros.config.parameter_file import Section, read_sections, section_of, settings_for
from ddpg_ros.config.yaml_text import read_yaml
from ddpg_ros.errors import ConfigError

_ROS, _END = "--ros-args", "--"
_ASSIGN = ("-p", "--param")
_FILE = "--params-file"
_REMAP = ("-r", "--remap")


@dataclass(frozen=True)
class Arguments:
    """A command line: the words for rcl, and the settings in the order of typing."""

    rest: tuple[str, ...] = ()
    sources: tuple[tuple[str, tuple[Section, ...]], ...] = ()  # each with its name
    remappings: tuple[str, ...] = ()

    def node_name(self, name: str) -> str:
        """Return the whole name of a node that is called `name` without a remapping."""
        base = self._remapped(name, ("__node", "__name")) or name
        namespace = (self._remapped(name, ("__ns",)) or "").strip("/")
        return f"/{namespace}/{base}" if namespace else f"/{base}"

    def settings(self, name: str) -> dict[str, Any]:
        """Return what is set for a node that is called `name` without a remapping.

        What was typed last counts, whatever section it stands in.

        Raises:
            ConfigError: see `parameter_file.settings_for`.
        """
        found: dict[str, Any] = {}
        for source, sections in self.sources:
            found |= settings_for(self.node_name(name), name, sections, source)
        return found

    @property
    def origin(self) -> str:
        """The sources of the settings, for a sentence: " from a.yaml and -p", or nothing."""
        names = dict.fromkeys("-p" if name.startswith("-p ") else name for name, _ in self.sources)
        return f" from {' and '.join(names)}" if names else ""

    def _remapped(self, name: str, keys: Sequence[str]) -> str:
        for rule in self.remappings:  # of several, the first counts
            left, _, right = rule.partition(":=")
            if left in keys or left in [f"{name}:{key}" for key in keys]:
                return right
        return ""


def read_arguments(given: Sequence[str]) -> Arguments:
    """Read a command line, without the program's name.

    Raises:
        ConfigError: a parameter file or an assignment that cannot be used.
    """
    rest: list[str] = []
    sources: list[tuple[str, tuple[Section, ...]]] = []
    remappings: list[str] = []
    readers: dict[str, Callable[[str], tuple[str, tuple[Section, ...]]]] = {_FILE: _read_file}
    readers |= dict.fromkeys(_ASSIGN, _read_assignment)
    words, for_ros = iter(given), False
    for word in words:
        if word in (_ROS, _END):
            for_ros = word == _ROS
        elif for_ros and word in readers:
            value = next(words, None)
            if value is None:
                raise ConfigError(f"{word} is the last word; expected something after it.")
            sources.append(readers[word](value))
            continue
        elif for_ros and word in _REMAP:
            rest.append(word)
            word = next(words, "")
            remappings.append(word)
        rest.append(word)
    return Arguments(tuple(rest), tuple(sources), tuple(remappings))


def _read_file(path: str) -> tuple[str, tuple[Section, ...]]:
    file = Path(path)
    return path, tuple(read_sections(file))


def _read_assignment(text: str) -> tuple[str, tuple[Section, ...]]:
    left, assigns, written = text.partition(":=")
    node, colon, name = left.rpartition(":")
    try:
        value = read_yaml(written)
    except ValueError:
        assigns = ""
    if not assigns or not name or isinstance(value, dict):
        raise ConfigError(
            f"-p {text}: expected NAME:=VALUE, as in robot.torque_limit:=[2.0,1.0]; '' is empty "
            "text."
        )
    source = f"-p {text}"
    return source, (section_of(node if colon else "/**", {name: value}, source),)
