"""Settings as a ROS parameter file: one YAML file for every way to start a node.

It serves `ddpg-ros train --config`, `ros2 run … --params-file` and the launch files, which all
read it here. A file has sections, each for the nodes that its name stands for: `/**` for all,
`guard` (that is `/guard`), `/left/guard`, `/*/guard` and so on. Of two that say something of one
setting, the later one counts, as in ROS.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.config.settings import Config, from_parameters, to_parameters
from ddpg_ros.config.yaml_text import read_yaml, write_yaml
from ddpg_ros.errors import ConfigError, nearest, shortened
from ddpg_ros.files.kinds import is_regular, is_special

AGENT, SIMULATOR = "agent", "simulator"
NODES = (AGENT, "guard", "policy", SIMULATOR)
"""The nodes of this package, as they are named without a remapping."""

_SHAPE = "expected '/**:', below it 'ros__parameters:', below that the settings"
_BOTH_READ = ("robot.urdf", "robot.joints", "robot.tip", "control.period", "run.clock", "run.seed")
"""Settings that agent and simulator must share."""


class Section(NamedTuple):
    """What a file says to the nodes that a name stands for."""

    written: str  # as in the file
    pattern: str  # absolute, /left/guard; * stands for one name, ** for any number of them
    settings: dict[str, Any]

    @property
    def general(self) -> bool:
        """Whether the name stands for more than one node."""
        return "*" in self.pattern

    def is_for(self, node: str) -> bool:
        """Whether a node, /left/guard, is one of those."""
        parts = (
            {"**": r"(/\w+)*", "*": r"/\w+"}.get(part, "/" + re.escape(part))
            for part in self.pattern.split("/")[1:]
        )
        return re.fullmatch("".join(parts), node) is not None


def load_config(path: str | Path, namespace: str = "") -> Config:
    """Read the configuration of a training: what a file says to an agent and its simulator.

    Args:
        path: the file, or the name of a configuration that ships with this package (`reach`).
        namespace: of both nodes, "" or absolute.

    Raises:
        ConfigError: no such file, not to be read, no YAML, not in parameter form, an unknown
            key, a bad value, or a setting that the two nodes share and would not agree on.
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
    joined, theirs = to_parameters(agent), to_parameters(simulator)
    for name, value in theirs.items():
        if name not in joined or value == joined[name]:  # of a task that only one is given
            continue
        for_simulator = name.startswith("sim.")
        other = AGENT if for_simulator else SIMULATOR
        if name in _BOTH_READ or name in own[other]:
            raise ConfigError(
                f"{file} gives {name} as {joined[name]!r} to the agent and as {value!r} to the "
                "simulator, which run by one configuration here; set it once, under '/**'."
            )
        if for_simulator:
            joined[name] = value
    return from_parameters(joined, str(file))


def settings_for(
    node: str, name: str, sections: Iterable[Section], file: Path | str
) -> dict[str, Any]:
    """Return what the sections of a file say to a node.

    Args:
        node: its whole name, /left/guard.
        name: what it is called without a remapping, guard.
        sections: of the file.
        file: for the sentences.

    Raises:
        ConfigError: a section of a single node and a later, general one contradict each other;
            a section that bears the node's name and is not for it, or almost bears it.
    """
    found: dict[str, Any] = {}
    said_by: dict[str, Section] = {}
    missed: list[Section] = []
    for section in sections:
        if not section.is_for(node):
            missed.append(section)
            continue
        for key, value in section.settings.items():
            before = said_by.get(key)
            if before and not before.general and section.general and found[key] != value:
                raise ConfigError(
                    f"{file} gives {key} as {found[key]!r} under '{before.written}' and after "
                    f"that as {value!r} under '{section.written}', which is in force then; put "
                    f"'{section.written}' first, or leave one out."
                )
            found[key], said_by[key] = value, section
    if all(section.general for section in said_by.values()):
        _refuse_missed(node, name, missed, file)
    return found


def _refuse_missed(node: str, name: str, missed: list[Section], file: Path | str) -> None:
    """Refuse a section that was meant for a node, most likely, and does not reach it."""
    base = node.rpartition("/")[2]
    for section in missed:
        last = section.pattern.rpartition("/")[2]
        relative = not section.written.startswith("/")
        if relative and last in (base, name):
            raise ConfigError(
                f"{file} has a section '{section.written}', which is for the node "
                f"{section.pattern}, and this node is {node}; call the section '{node}'."
            )
        stranger = last not in NODES and last not in base and not any(n in last for n in NODES)
        if stranger and nearest(last, NODES, 0.8) == f"; did you mean '{name}'?":
            raise ConfigError(
                f"{file} has a section '{section.written}', which is for no node of this "
                f"package; did you mean '{name}'?"
            )


def read_sections(file: Path) -> list[Section]:
    """Return the sections of a parameter file, in their order.

    Raises:
        ConfigError: not a file that can be read, no YAML, not in parameter form.
    """
    if not is_regular(file):
        what = "is a pipe or a device" if is_special(file) else "is not there"
        what = "is a directory" if os.path.isdir(file) else what  # which takes any name
        name = shortened(str(file))
        raise ConfigError(f"the parameter file {name} {what}; expected a regular file of YAML.")
    try:
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
    """Make a section; its settings are nested or dotted.

    Raises:
        ConfigError: no name of a node, or a setting that comes twice.
    """
    pattern = "/" + re.sub("/+", "/", written).strip("/")
    if not re.fullmatch(r"(/(\*\*?|[A-Za-z_]\w*))+", pattern, re.ASCII):
        raise ConfigError(
            f"{source} has a section '{written}'; expected the name of a node, as guard or "
            "/left/guard, in which * stands for one name and ** for any number of them."
        )
    flat: dict[str, Any] = {}
    _flatten(settings, "", flat, source)
    return Section(written, pattern, flat)


def _collect(tree: Any, above: tuple[str, ...], sections: list[Section], file: Path) -> None:
    """Go down to where `ros__parameters` stands; the keys on the way are namespaces."""
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


def read_assignments(given: Iterable[str]) -> dict[str, Any]:
    """Read `learner.n_step=3`, the value as in a YAML file.

    Raises:
        ConfigError: anything that is no NAME=VALUE.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, written = text.partition("=")
        try:
            value = read_yaml(written)
        except ValueError:
            equals = ""
        if not equals or value is None or isinstance(value, dict):
            raise ConfigError(f"--set {text}: expected NAME=VALUE, as in learner.n_step=3.")
        found[name.strip()] = value
    return found


def save_config(config: Config, path: Path) -> None:
    """Write a configuration as a ROS parameter file that nodes and `load_config` read.

    Empty lists are left out: rcl cannot say what type they are, and other programs read such a
    file through it. No list that may be empty has another default, so that they come back empty.
    """
    tree = {
        name: {key: value for key, value in section.items() if value != []}
        for name, section in config.model_dump().items()
    }
    path.write_text(write_yaml({"/**": {"ros__parameters": tree}}), encoding="utf-8")


def find_config(path: str | Path) -> Path:
    """Return the file that `path` (a file or the name of one of ours) stands for.

    Raises:
        ConfigError: neither, or no regular file.
    """
    file = Path(path).expanduser()
    if is_regular(file):
        return file
    own = own_configs()
    if str(path) in own:
        return own[str(path)]
    name = shortened(str(path))
    what = f"there is no configuration file '{name}'"
    if is_special(file):
        what = f"'{name}' is a pipe or a device, no regular file"
    raise ConfigError(
        f"{what}; give the path of a YAML file or one of ours ({', '.join(own)})"
        f"{nearest(file.stem, own)}"
    )


def own_configs() -> dict[str, Path]:
    """Return the configurations that ship with this package, name → file."""
    own: dict[str, Path] = {}
    _, package, *above = Path(__file__).resolve().parents
    installed = [parent / "share" / "ddpg_ros" / "config" for parent in above]
    for folder in (package.parent / "config", *installed):
        for file in sorted(folder.glob("*.yaml")):
            own.setdefault(file.stem, file)
    return own
