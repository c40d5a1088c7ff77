"""A Gymnasium environment as DDPG needs it; a number that is not finite goes no further."""

import logging
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from ddpg_ros.errors import ConfigError, EnvironmentFailedError, nearest, shortened
from ddpg_ros.training.gymnasium_spaces import REAL, with_flat_spaces
from ddpg_ros.types import Vector32

_LOG = logging.getLogger(__name__)

_LARGEST = float(np.finfo(np.float32).max)  # learning is in float32

_FAILURES = (Exception, SystemExit)
"""What ends an environment's code; one that ends the process would end the training in silence."""


class Step:
    """What a step came to."""

    __slots__ = ("observation", "over", "reward", "success", "terminated")

    def __init__(
        self,
        observation: Vector32,
        reward: float,
        terminated: bool,
        truncated: bool,
        success: bool,
    ) -> None:
        """Take (o,), the reward, and how the episode stands."""
        self.observation, self.reward = observation, reward
        self.terminated, self.over = terminated, terminated or truncated
        self.success = success


class Unusable(Exception):  # noqa: N818 (an episode is left; no error by itself)
    """An observation or reward that is not finite; the text says which."""


class Environment:
    """An environment with flat observations, and actions in [-1, 1]."""

    def __init__(self, what: str | gymnasium.Env[Any, Any]) -> None:
        """Make it from an id, or take one that is made already, which stays its maker's to close.

        Raises:
            ConfigError: there is none of that name, it cannot be made, or its spaces are of
                another kind.
        """
        self._is_ours = isinstance(what, str)
        made = _make(what) if isinstance(what, str) else what
        if not isinstance(made, gymnasium.Env):
            raise ConfigError(
                f"{shortened(repr(what))} is no environment; expected the id of one, as "
                "'Pendulum-v1', a gymnasium.Env, or the Config of an arm."
            )
        self.name = made.spec.id if made.spec is not None else type(made.unwrapped).__name__
        if isinstance(what, str):
            self.name = what
        try:
            self._env = with_flat_spaces(self.name, made)
        except ConfigError:
            if self._is_ours:
                made.close()
            raise
        self.action_low: list[float] = self._bounds(made.action_space).low.tolist()
        self.action_high: list[float] = self._bounds(made.action_space).high.tolist()
        observed, acted = self._env.observation_space.shape, self._env.action_space.shape
        assert observed is not None and acted is not None
        self.observation_size, self.action_size = observed[0], acted[0]
        self.knows_success = False
        """Whether a step said if it was a success, as `is_success`."""
        spec = made.spec
        self.has_time_limit = spec is not None and spec.max_episode_steps is not None
        """Whether Gymnasium itself ends an episode after a number of steps."""

    def reset(self, seed: int) -> Vector32:
        """Begin an episode; return the first observation, (o,), a copy.

        Raises:
            Unusable: a number in it is not finite.
            EnvironmentFailedError: its own code failed, or what it gives has another shape.
        """
        try:
            raw, _ = self._env.reset(seed=seed)
        except _FAILURES as error:
            raise self._failed("reset()", error) from error
        return self._observation(raw, "reset()")

    def step(self, action: Vector32) -> Step:
        """Act, (a,) in [-1, 1].

        Raises:
            Unusable: a number in the observation, or the reward, is not finite.
            EnvironmentFailedError: its own code failed, or what it gives has another shape.
        """
        try:
            raw, reward, terminated, truncated, info = self._env.step(action)
            self.knows_success |= "is_success" in info
            success = info.get("is_success", False)
        except _FAILURES as error:
            raise self._failed("step()", error) from error
        observation = self._observation(raw, "step()")
        value = self._number(reward, "reward", "a number")
        if not abs(value) <= _LARGEST:
            raise Unusable(f"the reward that {self.name} gave is {value}")
        return Step(
            observation,
            value,
            self._truth(terminated, "terminated"),
            self._truth(truncated, "truncated"),
            self._truth(success, "is_success"),
        )

    def close(self) -> None:
        """Close it, if it was made here; what its own code raises then changes nothing."""
        if not self._is_ours:
            return
        try:
            self._env.close()
        except _FAILURES as error:
            _LOG.warning("%s failed in close(): %s", self.name, _one_line(error))

    @staticmethod
    def _bounds(space: gymnasium.Space[Any]) -> Box:
        assert isinstance(space, Box)
        return space

    def _observation(self, raw: Any, where: str) -> Vector32:
        given = self._real(raw, "observation", where, "real numbers")
        with np.errstate(over="ignore"):  # is looked at below
            observation: Vector32 = given.astype(np.float32)  # a copy: it may be its own buffer
        if observation.shape != (self.observation_size,):
            raise EnvironmentFailedError(
                f"{self.name} gave an observation of shape {observation.shape} in {where}; its "
                f"observation_space promises ({self.observation_size},)."
            )
        if not np.isfinite(observation).all():
            place = int(np.flatnonzero(~np.isfinite(observation))[0])
            number = observation[place]
            raise Unusable(f"component {place} of the observation of {self.name} is {number}")
        return observation

    def _number(self, given: Any, what: str, expected: str) -> float:
        """Return a number of a step; an array of one number is one, a text is none."""
        array = self._real(given, what, "step()", expected)
        if array.size != 1:
            raise self._unexpected(given, what, "step()", expected)
        return float(array.item())

    def _truth(self, given: Any, what: str) -> bool:
        if type(given) is bool:
            return given
        number = self._number(given, what, "True or False")
        if number not in (0.0, 1.0):
            raise EnvironmentFailedError(
                f"{self.name} gave {what} = {number:g} in step(); expected True or False."
            )
        return number == 1.0

    def _real(self, given: Any, what: str, where: str, expected: str) -> NDArray[Any]:
        """Return real numbers as an array; what has none, or hides one of them, is refused."""
        try:
            array = np.asanyarray(given)
        except _FAILURES as error:  # a ragged list, or the code of a class of its own
            raise self._failed(f"{where}, with its {what}", error) from error
        if array.dtype.kind not in REAL or np.ma.is_masked(array):
            raise self._unexpected(given, what, where, expected)
        return np.asarray(array)

    def _unexpected(
        self, given: Any, what: str, where: str, expected: str
    ) -> EnvironmentFailedError:
        try:
            text = shortened(repr(given))
        except _FAILURES:  # an int of 5000 digits has no text
            text = f"of type {type(given).__name__}"
        return EnvironmentFailedError(
            f"{self.name} gave the {what} {text} in {where}; expected {expected}."
        )

    def _failed(self, where: str, error: BaseException) -> EnvironmentFailedError:
        what = shortened(f"{type(error).__name__}: {_one_line(error)}", 500)
        return EnvironmentFailedError(f"the environment {self.name} failed in {where}: {what}.")


def _make(env_id: str) -> gymnasium.Env[Any, Any]:
    try:
        made: gymnasium.Env[Any, Any] = gymnasium.make(env_id)
    except _FAILURES as error:  # whatever an environment's own code raises
        ended = "it ends the process: " if isinstance(error, SystemExit) else ""
        reason = ended + shortened(_one_line(error), 500)
        raise ConfigError(
            f"Gymnasium cannot make '{env_id}' ({reason}){_way_out(env_id, error)}"
        ) from None
    return made


def _way_out(env_id: str, error: BaseException) -> str:
    missing = isinstance(error, gymnasium.error.DependencyNotInstalled)
    if missing and "MuJoCo" in str(error):
        return "; in a checkout, 'make setup-bench' installs it."
    return "." if env_id in gymnasium.registry else nearest(env_id, gymnasium.registry)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
