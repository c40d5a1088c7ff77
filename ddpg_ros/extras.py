"""Which part of an installation brings which library, and the sentence if one is missing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from ddpg_ros.errors import MachineError
from ddpg_ros.installation import is_managed_elsewhere, remedy, sentence, set_up, unmet

_BASE = frozenset(("annotated_types", "mcap", "mcap_ros2", "numpy", "pinocchio", "pydantic"))
_BASE |= {"yaml", "rich", "safetensors", "typer"}
"""Modules of the base installation."""

EXTRA_OF = {
    "gymnasium": "learn",
    "matplotlib": "learn",
    "tensorboard": "learn",
    "torch": "learn",
    "PIL": "sim",
    "pybullet": "sim",
    "xacro": "xacro",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "diagnostic_msgs": "ros",
    "geometry_msgs": "ros",
    "lifecycle_msgs": "ros",
    "rcl_interfaces": "ros",
    "rclpy": "ros",
    "rosgraph_msgs": "ros",
    "sensor_msgs": "ros",
    "std_msgs": "ros",
    "std_srvs": "ros",
    "trajectory_msgs": "ros",
    "visualization_msgs": "ros",
}
"""Module → extra, for every library that the base installation leaves out."""


def how_to_install(module: str) -> str:
    """Return the command that installs a module of `EXTRA_OF`; for ROS beside a sourced one."""
    extra = EXTRA_OF[module]
    if extra == "ros" and (distro := os.environ.get("ROS_DISTRO")):
        package = f"ros-{distro}-{module.replace('_', '-')}"
        return f"apt install {package}, for the Python of ROS 2 {distro}"
    command = install_command(f'"ddpg_ros[{extra}]"')
    return f"source a ROS 2, or {command}" if extra == "ros" else command


def install_command(what: str) -> str:
    """Return the command that installs something here, where pip may be kept away (PEP 668)."""
    return set_up() if is_managed_elsewhere() else f"pip install {what}"


def require(*modules: str) -> None:
    """Check that modules of `EXTRA_OF` can be found; nothing is imported.

    Raises:
        MachineError: one is not installed.
    """
    for module in modules:
        if find_spec(module) is None:
            raise _not_installed(module)


@contextmanager
def naming_extras() -> Iterator[None]:
    """Turn the failed import of a library into a sentence.

    Raises:
        MachineError: the block imported a module of `EXTRA_OF` that is not installed, or one of
            the base installation that is not there or too old.
    """
    try:
        yield
    except ImportError as error:
        missing = unmet()
        if missing:
            raise MachineError(sentence(missing)) from None
        module = (error.name or "").partition(".")[0]
        absent = isinstance(error, ModuleNotFoundError)
        if absent and module in EXTRA_OF:
            raise _not_installed(module) from None
        if absent and module in _BASE:
            raise MachineError(f"this needs {module}, which is not here. {remedy()}") from None
        raise


def _not_installed(module: str) -> MachineError:
    return MachineError(
        f"this needs {module}, which is not installed here; {how_to_install(module)}."
    )
