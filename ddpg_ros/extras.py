"""The optional parts of an installation: which extra of this package brings which library."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from ddpg_ros.errors import MachineError

EXTRA_OF = {
    "gymnasium": "learn",
    "matplotlib": "learn",
    "tensorboard": "learn",
    "torch": "learn",
    "PIL": "sim",
    "pybullet": "sim",
    "xacro": "xacro",
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
    """Return the command that installs a module of `EXTRA_OF`, and for ROS the other way."""
    command = f'pip install "ddpg_ros[{EXTRA_OF[module]}]"'
    return f"source a ROS 2, or {command}" if EXTRA_OF[module] == "ros" else command


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
    """Turn the failed import of an optional library into a sentence.

    Raises:
        MachineError: the block imported a module of `EXTRA_OF` that is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in EXTRA_OF:
            raise
        raise _not_installed(module) from None


def _not_installed(module: str) -> MachineError:
    return MachineError(
        f"this needs {module}, which is not installed here; {how_to_install(module)}."
    )
