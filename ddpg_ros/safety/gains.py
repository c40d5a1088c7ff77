"""Gains of the guard: their defaults, and the check that requested gains are stable.

A soft limit lets a joint approach at k_position times the remaining distance, and brakes a faster
joint with k_velocity. The pair is sampled every period T and acts after a delay of one period. Its
overshoot depends on the share of the distance that a joint may cover in one period
(`test/safety/test_gains.py`):

    T k_position   overshoot
    0.1            none
    0.25           half of the remaining distance
    0.57 and more  the joint never comes to rest
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.config.settings import Config, Value
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix, read_friction
from ddpg_ros.robot.units import units_of
from ddpg_ros.safety.advice import ROUNDING, rounded_down, rounded_up, written
from ddpg_ros.safety.braking import SHARE
from ddpg_ros.safety.joint_limits import RATE_RATIO
from ddpg_ros.types import Vector

K_POSITION = 5.0
"""Default position gain [1/s], if the period and the torque rate allow it."""

DEFAULT_SHARE = 0.1
"""Largest T k_position of a default gain."""

LARGEST_SHARE = 0.25
"""Largest T k_position of a requested gain."""

SMALLEST_DEFAULT = 2.0
"""Smallest default gain [1/s]; a torque limit so large that it needs a smaller one is refused."""

Flags = NDArray[np.bool_]

_ROUNDS = 6  # of remedies
_STRONGER = 1.5  # than what only holds the arm, or only begins to move it


class Gains(NamedTuple):
    """The guard's gains, (n,) each; NaN means as much as the arm's inertia allows."""

    k_position: Vector  # [1/s]
    k_velocity: Vector  # [N·m·s/rad]
    damping: Vector  # [N·m·s/rad]


def fit_gains(robot: Robot, config: Config, velocity: Vector, mass: MassMatrix | None) -> Gains:
    """Return the gains of the settings, else the URDF's, else defaults that suit the arm.

    Args:
        robot: the arm.
        config: its settings.
        velocity: velocity limits, (n,) [rad/s].
        mass: its mass matrix; None if no joint moves a known mass.

    Raises:
        ConfigError: the requested gains are not stable; the message lists every problem, and
            settings that are stable together.
    """
    problems: list[str] = []
    remedies: dict[str, Value] = {}
    for _ in range(_ROUNDS):  # a remedy may cause another problem
        fit = _Fit(robot, config, velocity, mass)
        gains = fit.gains()
        if not fit.problems:
            break
        problems = problems or fit.problems
        remedies |= fit.remedies
        config = config.with_parameters(fit.remedies, source="the guard's remedy")
    if problems:
        settings = ", ".join(f"{name}: {written(value)}" for name, value in remedies.items())
        raise ConfigError(f"{' '.join(problems)} Together these hold: {settings}.")
    return gains


class _Fit:
    """One attempt to choose gains; it collects problems and their remedies."""

    def __init__(
        self,
        robot: Robot,
        config: Config,
        velocity: Vector,
        mass: MassMatrix | None,
    ) -> None:
        self.problems: list[str] = []
        self.remedies: dict[str, Value] = {}
        self._robot, self._settings, self._mass = robot, config.safety, mass
        self._torque, self._velocity = robot.torque_limit(config.robot.torque_limit), velocity
        self._period = config.control.period
        self._rate = config.safety.torque_rate_safe or RATE_RATIO * config.robot.torque_rate
        self._carries = config.robot.gravity == "model"

    def gains(self) -> Gains:
        """Return the gains; afterwards `problems` lists what is wrong with them."""
        k_position = self._k_position()
        return Gains(k_position, self._k_velocity(k_position), self._damping())

    def _requested(self, name: str) -> tuple[Vector, bool]:
        """Return the requested gains, NaN for none, and whether they come from the URDF."""
        listed: list[float] = getattr(self._settings, name)
        if listed:
            self._require_one_each(f"safety.{name}", listed)
            return np.array(listed), False
        stated = [getattr(joint, name) for joint in self._robot.safety]
        if not self._settings.urdf_gains:
            stated = [None] * len(stated)
        # URDF requires k_velocity in a safety_controller; 0 means that there is none.
        return np.array([gain or math.nan for gain in stated]), True

    def _k_position(self) -> Vector:
        given, from_urdf = self._requested("k_position")
        default = DEFAULT_SHARE / self._period
        least = np.fmin(min(SMALLEST_DEFAULT, default), given)
        most_torque = _largest(self._rate, 2.0 * least)
        torque = np.minimum(self._torque, most_torque)
        if (self._torque > most_torque * ROUNDING).any():
            self._refuse_torque(most_torque, least)
            torque = np.array(self.remedies["robot.torque_limit"])
        most = np.minimum(LARGEST_SHARE / self._period, self._rate / (2.0 * torque))
        wrong = given > most * ROUNDING
        if wrong.any():
            self._refuse(
                "k_position",
                given,
                wrong,
                from_urdf,
                f"1/s do not hold with control.period {self._period:g} s and "
                f"safety.torque_rate_safe {self._rate:g} N·m/s; expected at most "
                f"{LARGEST_SHARE:g} / period and torque_rate_safe / (2 · torque limit)",
                np.fmin(given, most),
            )
        return np.where(np.isnan(given), np.minimum(min(K_POSITION, default), most), given)

    def _k_velocity(self, k_position: Vector) -> Vector:
        given, from_urdf = self._requested("k_velocity")
        braked = np.fmin(k_position, LARGEST_SHARE / self._period) * self._velocity
        largest = _largest(self._rate, braked)
        wrong = given > largest * ROUNDING
        share = self._share(given)
        why = []
        if wrong.any():
            why.append(
                "k_velocity · k_position · velocity limit is up to "
                f"{np.nanmax(given * self._rate / largest):.6g} N·m/s (expected at most "
                f"safety.torque_rate_safe, {self._rate:g})"
            )
        if share > SHARE * ROUNDING:
            wrong = ~np.isnan(given)
            why.append(f"braking would take {self._too_much(share, SHARE)}")
        if why:
            self._refuse(
                "k_velocity",
                given,
                wrong,
                from_urdf,
                f"N·m·s/rad do not hold at control.period {self._period:g} s: "
                + ", and ".join(why),
                self._largest_valid(np.fmin(given, largest), SHARE),
            )
        return given

    def _too_much(self, share: float, most: float) -> str:
        return (
            f"{share:.3g} of the arm's velocity off in one period (expected at most {most:.3g}; "
            "from 1 on it drives the arm)"
        )

    def _damping(self) -> Vector:
        listed = self._settings.damping
        if not listed:
            return np.full(len(self._torque), math.nan)
        self._require_one_each("safety.damping", listed)
        given = np.array(listed)
        share = self._share(given)
        most = min(SHARE, self._period * self._rate / float(self._torque.max()))
        if share > most * ROUNDING:
            self._refuse(
                "damping",
                given,
                np.full(len(given), True),
                False,
                f"N·m·s/rad do not hold at control.period {self._period:g} s and "
                f"safety.torque_rate_safe {self._rate:g} N·m/s: a stop would take "
                f"{self._too_much(share, most)}",
                self._largest_valid(given, most),
            )
        return given

    def _share(self, gains: Vector) -> float:
        known = np.nan_to_num(gains)
        return self._mass.share(known, self._period) if self._mass is not None else 0.0

    def _largest_valid(self, gains: Vector, most: float) -> Vector:
        """Return the largest stable gains, at most the requested ones, all scaled alike."""
        if self._mass is None:
            return gains
        single = most / self._period * self._mass.lightest()
        largest = np.where(self._mass.known, np.fmin(gains, single), gains)
        return largest * min(1.0, most / max(self._share(largest), 1e-9))

    def _refuse_torque(self, most: Vector, gain: Vector) -> None:
        """Refuse torque limits above `most`, (n,) [N·m], which the gain `gain`, (n,) [1/s], needs.

        The remedy is a lower torque limit or, where that would not move the arm, a higher rate.
        """
        over = self._torque > most * ROUNDING
        source = "robot.torque_limit" if self._requested_torque else "the URDF's effort"
        rate = (
            "safety.torque_rate_safe" if self._settings.torque_rate_safe else "robot.torque_rate"
        )
        before = self._rate
        alone = self._needed_torque()
        needed = np.minimum(self._torque, _STRONGER * alone)
        torque = np.minimum(self._torque, np.maximum(most, needed))
        advice = (
            "URDFs often state more effort than any motor has. Set robot.torque_limit to what the "
            f"motors may deliver; or raise {rate}, if the gears allow it."
        )
        if (needed > most).any():
            self._rate = rounded_up(float((2.0 * gain * torque).max()))
            ours = rate == "safety.torque_rate_safe"
            self.remedies[rate] = self._rate if ours else rounded_up(self._rate / RATE_RATIO)
            advice = (
                "The arm's weight and friction alone need up to "
                f"{self._by_joint(alone, alone > 0.0)}, so that a lower robot.torque_limit is not "
                f"enough: raise {rate}, if the gears allow it."
            )
        within = _largest(1.0, gain)[over].max()
        self.problems.append(
            f"robot.torque_limit: {self._by_joint(self._torque, over)} ({source}) cannot be "
            f"reversed within {within:.2g} s at safety.torque_rate_safe {before:g} N·m/s, which "
            f"the soft limits need. {advice}"
        )
        self.remedies["robot.torque_limit"] = rounded_down(torque)

    def _by_joint(self, torque: Vector, chosen: Flags) -> str:
        return ", ".join(
            f"{joint} {number:g} {units.torque}"
            for joint, number, units, wanted in zip(
                self._robot.joints, torque, units_of(self._robot.kinds), chosen, strict=True
            )
            if wanted
        )

    def _needed_torque(self) -> Vector:
        """Return the torque that friction takes and, if we carry the arm, its weight, (n,)."""
        needed = read_friction(self._robot)
        if self._carries and self._mass is not None:
            needed = needed + self._mass.heaviest_weight
        return needed

    def _refuse(
        self,
        name: str,
        given: Vector,
        wrong: Flags,
        from_urdf: bool,
        why: str,
        largest: Vector,
    ) -> None:
        joints = [
            f"{joint} {gain:g}"
            for joint, gain, bad in zip(self._robot.joints, given, wrong, strict=True)
            if bad
        ]
        source = "the URDF's safety_controller" if from_urdf else f"safety.{name}"
        self.problems.append(f"{source}: {name} of {', '.join(joints)} {why}.")
        if from_urdf:
            self.remedies["safety.urdf_gains"] = False
        else:
            self.remedies[f"safety.{name}"] = rounded_down(largest)

    @property
    def _requested_torque(self) -> bool:
        return not np.array_equal(self._torque, self._robot.effort_limit)

    def _require_one_each(self, name: str, listed: Sequence[float]) -> None:
        if len(listed) != len(self._robot.joints):
            raise ConfigError(
                f"{name} is {list(listed)}; expected one number for each joint "
                f"({', '.join(self._robot.joints)}), or none at all."
            )


def _largest(most: float, factor: Vector) -> Vector:
    """Return the largest numbers whose product with `factor` is `most`; inf if any number is."""
    with np.errstate(over="ignore", divide="ignore"):
        return most / factor
