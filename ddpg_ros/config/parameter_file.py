"""Reads and writes ROS parameter files, for every way to start a node.

`ddpg-ros train --config`, `ros2 run … --params-file` and the launch files all use this reader. A
file has sections, each for the nodes that its name matches: `/**` for all, `guard` for `/guard`,
`/left/guard`, `/*/guard` and so on. As in ROS, a later section overrides an earlier one.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.config.settings import Config, from_parameters, to_parameters
from ddpg_ros.config.yaml_text import read_yaml, write_yaml
from ddpg_ros.errors import ConfigError, nearest, shortened
from ddpg_ros.files.kinds import at_home, is_regular, is_special
from ddpg_ros.files.sealed import write_whole

AGENT, SIMULATOR = "agent", "simulator"
NODES = (AGENT, "guard", "policy", "recorder", SIMULATOR)
"""The default names of this package's nodes."""

_SHAPE = "expected '/**:', below it 'ros__parameters:', below that the settings"
_LARGEST = 1_000_000  # [bytes] reading YAML takes a minute for 30 MB
_SHARED = ("robot.urdf", "robot.joints", "robot.tip", "control.period", "run.clock", "run.seed")
"""Settings that agent and simulator must share."""


class Section(NamedTuple):
    """A section of a parameter file."""

    written: str  # its name in the file
    pattern: str  # absolute, `/left/guard`; `*` matches one name, `**` any number of names
    settings: dict[str, Any]

    @property
    def general(self) -> bool:
        """Whether the name can match more than one node."""
        return "*" in self.pattern

    def is_for(self, node: str) -> bool:
        """Return whether the name matches a node, `/left/guard`."""
        parts = (
            {"**": r"(/\w+)*", "*": r"/\w+"}.get(part, "/" + re.escape(part))
            for part in self.pattern.split("/")[1:]
        )
        return re.fullmatch("".join(parts), node) is not None


def load_config(path: str | Path, namespace: str = "") -> Config:
    """Read the configuration of a training: the settings of its agent and its simulator.

    Args:
        path: the file, or the name of a configuration that ships with this package (`reach`).
        namespace: of both nodes, empty or absolute.

    Raises:
        ConfigError: the file is missing, unreadable, not YAML or not a parameter file; it has an
            unknown setting or a bad value; or the two nodes would disagree on a shared setting.
    """
    file = find_config(path)
    sections = read_sections(file)
    views = {
        name: settings_for(f"{namespace}/{name}", name, sections, file)
        for name in (AGENT, SIMULATOR)
    }
    own = {
        name: {
            key
            for section in sections
            if section.is_for(f"{namespace}/{name}") and not section.general
            for key in section.settings
        }
        for name in views
    }
    agent, simulator = (from_parameters(view, str(file)) for view in views.values())
    merged, simulated = to_parameters(agent), to_parameters(simulator)
    for name, value in simulated.items():
        if name not in merged or value == merged[name]:  # of a task that only one is given
            continue
        for_simulator = name.startswith("sim.")
        other = AGENT if for_simulator else SIMULATOR
        if name in _SHARED or name in own[other]:
            raise ConfigError(
                f"{file} gives {name} as {merged[name]!r} to the agent and as {value!r} to the "
                "simulator, which share one configuration here; set it once, under '/**'."
            )
        if for_simulator:
            merged[name] = value
    return from_parameters(merged, str(file))


def settings_for(
    node: str, name: str, sections: Iterable[Section], file: Path | str
) -> dict[str, Any]:
    """Return the settings that the sections of a file give to a node.

    Args:
        node: its full name, `/left/guard`.
        name: its default name, `guard`.
        sections: of the file.
        file: for error messages.

    Raises:
        ConfigError: a general section overrides an earlier one for this node alone; or a section
            has the node's name, or nearly so, but does not match the node.
    """
    found: dict[str, Any] = {}
    origin: dict[str, Section] = {}
    unmatched: list[Section] = []
    for section in sections:
        if not section.is_for(node):
            unmatched.append(section)
            continue
        for key, value in section.settings.items():
            before = origin.get(key)
            if before and not before.general and section.general and found[key] != value:
                raise ConfigError(
                    f"{file} gives {key} as {found[key]!r} under '{before.written}' and after "
                    f"that as {value!r} under '{section.written}', which overrides it; put "
                    f"'{section.written}' first, or leave one out."
                )
            found[key], origin[key] = value, section
    if all(section.general for section in origin.values()):
        _refuse_near_misses(node, name, unmatched, file)
    return found


def _refuse_near_misses(node: str, name: str, unmatched: list[Section], file: Path | str) -> None:
    """Refuse a section that is probably meant for a node but does not match it."""
    base = node.rpartition("/")[2]
    for section in unmatched:
        last = section.pattern.rpartition("/")[2]
        relative = not section.written.startswith("/")
        if relative and last in (base, name):
            raise ConfigError(
                f"{file} has a section '{section.written}', which is for the node "
                f"{section.pattern}, and this node is {node}; call the section '{node}'."
            )
        unknown = last not in NODES and last not in base and not any(n in last for n in NODES)
        if unknown and nearest(last, NODES, 0.8) == f"; did you mean '{name}'?":
            raise ConfigError(
                f"{file} has a section '{section.written}', which is for no node of this "
                f"package; did you mean '{name}'?"
            )


def read_sections(file: Path) -> list[Section]:
    """Return the sections of a parameter file, in order.

    Raises:
        ConfigError: the file is missing, unreadable, too large, not YAML or not a parameter file.
    """
    if not is_regular(file):
        problem = "is a pipe or a device" if is_special(file) else "is not there"
        problem = "is a directory" if os.path.isdir(file) else problem  # isdir accepts any name
        name = shortened(str(file))
        raise ConfigError(f"the parameter file {name} {problem}; expected a regular YAML file.")
    try:
        if (size := file.stat().st_size) > _LARGEST:
            raise ConfigError(
                f"the parameter file {file} has {size} bytes; expected at most {_LARGEST}."
            )
        document = read_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{file} is not valid YAML: {problem}.") from None
    sections: list[Section] = []
    _collect(document, (), sections, file)
    if not sections:
        raise ConfigError(f"{file} is not a ROS parameter file; {_SHAPE}.")
    return sections


def section_of(written: str, settings: Mapping[str, Any], source: Path | str) -> Section:
    """Make a section from its name and its settings, which may be nested or dotted.

    Raises:
        ConfigError: the name matches no node, or a setting comes twice.
    """
    pattern = "/" + re.sub("/+", "/", written).strip("/")
    if not re.fullmatch(r"(/(\*\*?|[A-Za-z_]\w*))+", pattern, re.ASCII):
        raise ConfigError(
            f"{source} has a section '{written}'; expected the name of a node, such as guard or "
            "/left/guard, in which * matches one name and ** any number of names."
        )
    flat: dict[str, Any] = {}
    _flatten(settings, "", flat, source)
    return Section(written, pattern, flat)


def _collect(tree: Any, above: tuple[str, ...], sections: list[Section], file: Path) -> None:
    """Append the sections below a node of the document; the keys `above` are its name's parts."""
    if not isinstance(tree, dict):
        raise ConfigError(f"{file} is not a ROS parameter file; {_SHAPE}.")
    for key, below in tree.items():
        if key == "ros__parameters":
            if not above or len(tree) > 1 or not isinstance(below, dict):
                raise ConfigError(f"{file} is not a ROS parameter file; {_SHAPE}.")
            sections.append(section_of("/".join(above), below, file))
        else:
            _collect(below, (*above, str(key)), sections, file)


def _flatten(
    tree: Mapping[str, Any], prefix: str, flat: dict[str, Any], source: Path | str
) -> None:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            _flatten(value, f"{name}.", flat, source)
        elif name in flat:
            raise ConfigError(f"{source} gives {name} twice in one section; leave one out.")
        else:
            flat[name] = value


def read_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Read assignments such as `learner.n_step=3`, with YAML values.

    Raises:
        ConfigError: not of the form NAME=VALUE.
    """
    found: dict[str, Any] = {}
    for text in assignments:
        name, equals, written = text.partition("=")
        try:
            value = read_yaml(written)
        except ValueError:
            equals = ""
        if not equals or value is None or isinstance(value, dict):
            raise ConfigError(f"--set {text}: expected NAME=VALUE, such as learner.n_step=3.")
        found[name.strip()] = value
    return found


def save_config(config: Config, path: Path) -> None:
    """Write a configuration as a ROS parameter file, for nodes and `load_config`.

    Empty lists are left out, because rcl cannot infer their type. A list that may be empty is
    empty by default, so reading the file restores it.
    """
    tree = {
        name: {key: value for key, value in section.items() if value != []}
        for name, section in config.model_dump().items()
    }
    write_whole(path, write_yaml({"/**": {"ros__parameters": tree}}).encode())


def find_config(path: str | Path) -> Path:
    """Return the path of a configuration.

    Args:
        path: a file, or the name of a configuration that ships with this package.

    Raises:
        ConfigError: neither exists, or the file is not a regular one.
    """
    file = at_home(path)
    if is_regular(file):
        return file
    own = own_configs()
    if str(path) in own:
        return own[str(path)]
    name = shortened(str(path))
    problem = f"there is no configuration file '{name}'"
    if is_special(file):
        problem = f"'{name}' is a pipe or a device, not a regular file"
    raise ConfigError(
        f"{problem}; give the path of a YAML file or one of ours ({', '.join(own)})"
        f"{nearest(file.stem, own)}"
    )


def own_configs() -> dict[str, Path]:
    """Return the configurations that ship with this package, file by name."""
    own: dict[str, Path] = {}
    for folder in _own_folders():
        for file in sorted((folder / "config").glob("*.yaml")):
            own.setdefault(file.stem, file)
    return own


def share_file(name: str) -> Path:
    """Return a file that ships with this package: `config/ddpg_ros.rviz`.

    Raises:
        FileNotFoundError: there is none of this name.
    """
    for folder in _own_folders():
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(name)


def _own_folders() -> tuple[Path, ...]:
    """Return where files of ours may be: a checkout, and below the prefixes of installations."""
    _, package, *above = Path(__file__).resolve().parents
    return (package.parent, *(parent / "share" / "ddpg_ros" for parent in above))
