"""Settings as a ROS parameter file: one YAML file for every way to start a node.

It serves `ddpg-ros train --config`, `ros2 run … --params-file` and the launch files.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ddpg_ros.config import Config, Value, from_parameters
from ddpg_ros.errors import ConfigError, nearest


def load_config(path: str | Path) -> Config:
    """Read a configuration: a YAML file in ROS parameter form, `/**: ros__parameters: …`.

    Args:
        path: the file, or the name of a configuration that ships with this package (`reach`).

    Raises:
        ConfigError: no such file, not to be read, no YAML, not in parameter form, an unknown
            key, a bad value.
    """
    file = find_config(path)
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{file} is not valid YAML: {problem}.") from None
    shape = "expected '/**:', below it 'ros__parameters:', below that the settings"
    if not isinstance(document, dict) or not all(
        isinstance(node, dict) and isinstance(node.get("ros__parameters"), dict)
        for node in document.values()
    ):
        raise ConfigError(f"{file} is not a ROS parameter file; {shape}.")
    flat: dict[str, Value] = {}
    for node in document.values():
        flat |= _flatten(node["ros__parameters"])
    return from_parameters(flat, str(file))


def read_assignments(given: Iterable[str]) -> dict[str, Value]:
    """Read `learner.n_step=3`, the value as in a YAML file.

    Raises:
        ConfigError: anything that is no NAME=VALUE.
    """
    found: dict[str, Value] = {}
    for text in given:
        name, equals, written = text.partition("=")
        try:
            value = yaml.safe_load(written)
        except yaml.YAMLError:
            equals = ""
        if not equals or value is None:
            raise ConfigError(f"--set {text}: expected NAME=VALUE, as in learner.n_step=3.")
        found[name.strip()] = value
    return found


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    flat: dict[str, Value] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= _flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def save_config(config: Config, path: Path) -> None:
    """Write a configuration as a ROS parameter file that nodes and `load_config` read.

    Empty lists are left out: a ROS parameter file cannot say what type they are. No list that
    may be empty has another default, so that they come back empty.
    """
    tree = {
        name: {key: value for key, value in section.items() if value != []}
        for name, section in config.model_dump().items()
    }
    text = yaml.safe_dump({"/**": {"ros__parameters": tree}}, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def find_config(path: str | Path) -> Path:
    """Return the file that `path` (a file or the name of one of ours) stands for."""
    file = Path(path).expanduser()
    if file.is_file():
        return file
    own = own_configs()
    if str(path) in own:
        return own[str(path)]
    raise ConfigError(
        f"there is no configuration file '{path}'; give the path of a YAML file or one of ours "
        f"({', '.join(own)}){nearest(file.stem, own)}"
    )


def own_configs() -> dict[str, Path]:
    """Return the configurations that ship with this package, name → file."""
    own: dict[str, Path] = {}
    package, *above = Path(__file__).resolve().parents
    installed = [parent / "share" / "ddpg_ros" / "config" for parent in above]
    for folder in (package.parent / "config", *installed):
        for file in sorted(folder.glob("*.yaml")):
            own.setdefault(file.stem, file)
    return own
