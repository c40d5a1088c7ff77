"""The torque guard between the policy, which is untrusted input, and the motors."""

import math
from typing import NamedTuple

import numpy as np

from ddpg_ros.errors import ConfigError
from ddpg_ros.types import Vector


class GuardCounts(NamedTuple):
    """On how many torque vectors each stage acted."""

    rejected: int  # not finite, or of the wrong shape
    torque: int  # clamped to the torque limit
    rate: int  # held back by the torque rate


class Guard:
    """Makes every torque finite, within the limits, and no faster than the rate.

    Its only memory is the torque sent last (and its counts). In order:

    1. a torque that is not finite or not (n,) is rejected whole, never clipped: the guard heads
       for zero torque instead;
    2. |τ| ≤ torque limit;
    3. |Δτ| ≤ torque rate · dt, from the torque sent last;
    4. the torque limit again.

    The measured dt is clamped to [T/2, 2T], T the control period, so that neither a burst of
    states nor a pause lets the torque jump.
    """

    def __init__(self, torque_limit: Vector, torque_rate: float, period: float) -> None:
        """Start from zero torque.

        Args:
            torque_limit: (n,) [N·m], each > 0.
            torque_rate: fastest change of a torque [N·m/s], > 0.
            period: the control period T [s], > 0.

        Raises:
            ConfigError: a limit, rate or period that is not finite and positive.
        """
        limit = np.array(torque_limit, dtype=np.float64)
        if limit.ndim != 1 or limit.size == 0:
            raise ConfigError(
                f"the torque limit has shape {limit.shape}; expected one number a joint, (n,)."
            )
        for joint, value in enumerate(limit.tolist()):
            _require_positive(f"the torque limit of joint {joint}", value, "N·m")
        _require_positive("robot.torque_rate", torque_rate, "N·m/s")
        _require_positive("control.period", period, "s")
        self._limit = limit
        self._rate = float(torque_rate)
        self._shortest, self._longest = 0.5 * period, 2.0 * period
        self._last = np.zeros_like(limit)
        self._zero = np.zeros_like(limit)
        self._rejected = self._clamped = self._slowed = 0

    def apply(self, torque: Vector, dt: float) -> Vector:
        """Return the torque to send, and remember it as sent.

        Args:
            torque: (n,) [N·m], what the policy and the noise ask for.
            dt: time since the torque before [s], by the monotonic clock.

        Returns:
            (n,) [N·m], a copy.
        """
        asked = np.asarray(torque, dtype=np.float64)
        if asked.shape != self._limit.shape or not np.isfinite(asked).all():
            self._rejected += 1
            asked = self._zero
        wanted = np.minimum(np.maximum(asked, -self._limit), self._limit)
        if (wanted != asked).any():
            self._clamped += 1
        # A NaN is smaller than nothing and greater than nothing: this order makes it T/2.
        step = self._rate * min(max(self._shortest, dt), self._longest)  # [N·m]
        shaped = np.minimum(np.maximum(wanted, self._last - step), self._last + step)
        if (shaped != wanted).any():
            self._slowed += 1
        # A no-op as long as the stages above are right: the last line of defence.
        self._last = np.minimum(np.maximum(shaped, -self._limit), self._limit)
        sent: Vector = self._last.copy()
        return sent

    def reset(self) -> None:
        """Begin an episode: the torque sent last is zero. The counts go on."""
        self._last = np.zeros_like(self._limit)

    @property
    def counts(self) -> GuardCounts:
        """On how many torques each stage acted since the guard was made."""
        return GuardCounts(self._rejected, self._clamped, self._slowed)


def _require_positive(name: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} is {value:g} {unit}; expected a finite number above 0 {unit}.")
