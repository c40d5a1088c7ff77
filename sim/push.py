"""Pushes: torques from outside on an arm that is to hold still, drawn anew for each."""

import numpy as np

from ddpg_ros.config.sections import SimSection
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.types import Vector


class Push:
    """One push in each stretch of `sim.push_every`: constant torques for `sim.push_seconds`.

    A push begins at a uniformly drawn time in the first half of its stretch. Its torques are
    drawn uniformly within ± `sim.push_torque`.
    """

    def __init__(self, robot: Robot, settings: SimSection) -> None:
        """Check the settings; without any torque nothing is ever drawn.

        Raises:
            ConfigError: not one torque a joint, or pushes that last into the next stretch.
        """
        size, every, lasts = len(robot.joints), settings.push_every, settings.push_seconds
        self._largest = np.array(settings.push_torque)
        self._any = bool(self._largest.any())
        if settings.push_torque and len(settings.push_torque) != size:
            raise ConfigError(
                f"sim.push_torque has {len(settings.push_torque)} numbers; expected one for each "
                f"of the joints {', '.join(robot.joints)}, or none for no pushes."
            )
        if settings.push_torque and lasts > 0.5 * every:
            raise ConfigError(
                f"sim.push_seconds is {lasts:g} s; expected at most half of sim.push_every, "
                f"{every:g} s."
            )
        self._every, self._lasts = every, lasts
        self._rng = np.random.default_rng(0)
        self._stretch = -1
        self._begin, self._torque = 0.0, np.zeros(size)

    def reset(self, rng: np.random.Generator) -> None:
        """Begin an episode; it draws from `rng` if there are pushes."""
        self._stretch = -1
        if self._any:
            self._rng = np.random.default_rng(rng.integers(2**63))

    def torque(self, time: float) -> Vector | None:
        """Return the torque at a time since the reset [s], (n,) [N·m]; None: no push.

        Times have to grow.
        """
        if not self._any:
            return None
        stretch = int(time / self._every)
        while self._stretch < stretch:
            self._stretch += 1
            self._begin = self._every * (self._stretch + self._rng.uniform(0.0, 0.5))
            self._torque = self._rng.uniform(-self._largest, self._largest)
        return self._torque if 0.0 <= time - self._begin < self._lasts else None
