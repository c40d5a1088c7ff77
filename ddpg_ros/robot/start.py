"""Where the simulator places the arm: its start positions, within the limits."""

import numpy as np

from ddpg_ros.config.sections import SimSection
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.units import units_of
from ddpg_ros.types import Vector

_MARGIN = 0.05  # [rad], [m] smallest distance of start positions from the position limits


def start_interval(robot: Robot, settings: SimSection) -> tuple[Vector, Vector]:
    """Return the lowest and highest start positions, (n,) [rad] each.

    Raises:
        ConfigError: `sim.start_position` has another length, or is outside the limits.
    """
    size = len(robot.joints)
    centre = np.array(settings.start_position or [0.0] * size)
    if len(centre) != size:
        raise ConfigError(
            f"sim.start_position has {len(centre)} numbers; expected one for each of the joints "
            f"{', '.join(robot.joints)}."
        )
    margin = np.minimum(_MARGIN, (robot.upper - robot.lower) / 10.0)
    inside = (centre >= robot.lower) & (centre <= robot.upper)
    if not inside.all():
        if settings.start_position:
            worst = int(np.argmin(inside))
            unit = units_of(robot.kinds)[worst].position
            raise ConfigError(
                f"sim.start_position puts {robot.joints[worst]} at {centre[worst]:g} {unit}; "
                f"expected {robot.lower[worst]:g} to {robot.upper[worst]:g} {unit}, as the URDF "
                "says."
            )
        centre = np.clip(centre, robot.lower, robot.upper)  # the default, 0, is outside
    low, high = robot.lower + margin, robot.upper - margin
    spread = settings.start_position_spread
    return np.clip(centre - spread, low, high), np.clip(centre + spread, low, high)
