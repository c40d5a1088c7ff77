"""The spaces of a Gymnasium environment as DDPG needs them; what cannot be learnt is refused."""

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Tuple

from ddpg_ros.errors import ConfigError, shortened

REAL = "biuf"
"""Kinds of numpy's types that are real numbers."""

_PLACEHOLDER = 1e15
"""Bounds of actions from here on are none: `np.finfo(np.float32).max` and the like."""


def with_flat_spaces(env_id: str, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """Return the environment with observations (o,) and actions in [-1, 1].

    Raises:
        ConfigError: its spaces cannot be had so.
    """
    space = env.action_space
    if not isinstance(space, Box) or len(space.shape) != 1:
        raise ConfigError(f"{env_id} takes actions {space}; DDPG needs a bounded flat Box.")
    _check_actions(env_id, space)
    observed = env.observation_space
    if not isinstance(observed, Box) or len(observed.shape) != 1:
        try:
            env = gymnasium.wrappers.FlattenObservation(_Promised(env))
        except (NotImplementedError, TypeError, ValueError):
            raise ConfigError(
                f"{env_id} gives observations {shortened(str(observed))}; DDPG needs numbers, in "
                "a space that Gymnasium can flatten to a Box."
            ) from None
    if not env.observation_space.shape or env.observation_space.shape[0] < 1:
        raise ConfigError(
            f"{env_id} gives observations without a number; DDPG needs one at least."
        )
    with np.errstate(all="ignore"):
        scaled = gymnasium.wrappers.RescaleAction(env, np.float32(-1.0), np.float32(1.0))
        ends = [scaled.action(np.full(space.shape, end, np.float32)) for end in (-1.0, 1.0)]
        narrow = np.flatnonzero(~(np.isfinite(ends[1] - ends[0]) & (ends[0] < ends[1])))
    if narrow.size:
        low, high = space.low[narrow[0]], space.high[narrow[0]]
        raise ConfigError(
            f"{env_id} takes actions that DDPG cannot choose: component {narrow[0]} goes from "
            f"{low:g} to {high:g}, too near each other for {space.dtype}. Wrap the environment "
            "with bounds further apart (gymnasium.wrappers.TransformAction)."
        )
    return scaled


def _require_of(space: gymnasium.Space[Any], given: Any, part: str) -> None:
    """Raise ValueError if an observation, or a part of it, has another shape or other keys."""
    if isinstance(space, Box):
        array = np.asanyarray(given)
        if array.shape != space.shape or array.dtype.kind not in REAL or np.ma.is_masked(array):
            raise ValueError(
                f"an observation{part} of shape {array.shape} and type {array.dtype}, promised "
                f"are real numbers, {space.shape}"
            )
    elif isinstance(space, Dict):
        if not isinstance(given, Mapping) or given.keys() != space.spaces.keys():
            raise ValueError(
                f"an observation{part} {shortened(repr(given))}, promised are the parts "
                f"{', '.join(space.spaces)}"
            )
        for name, inner in space.spaces.items():
            _require_of(inner, given[name], f"{part}['{name}']")
    elif isinstance(space, Tuple):
        if not isinstance(given, list | tuple) or len(given) != len(space.spaces):
            raise ValueError(
                f"an observation{part} {shortened(repr(given))}, promised is a tuple of "
                f"{len(space.spaces)}"
            )
        for place, inner in enumerate(space.spaces):
            _require_of(inner, given[place], f"{part}[{place}]")
    elif not space.contains(given):
        raise ValueError(
            f"an observation{part} {shortened(repr(given))}, which is none of the promised {space}"
        )


def _check_actions(env_id: str, space: Box) -> None:
    """Refuse bounds between which no action in [-1, 1] can be placed; each component is named."""
    if not np.issubdtype(space.dtype, np.floating):
        raise ConfigError(
            f"{env_id} takes actions of {space.dtype}; DDPG gives real numbers, and needs a Box "
            "of float32 or float64: wrap the environment with one that rounds them itself."
        )
    if not space.shape[0]:
        raise ConfigError(f"{env_id} takes actions without a component; DDPG needs one at least.")
    problems = []
    for place, bounds in enumerate(zip(space.low.tolist(), space.high.tolist(), strict=True)):
        low, high = bounds
        if not (math.isfinite(low) and math.isfinite(high)):
            what = "where both must be finite"
        elif max(abs(low), abs(high)) >= _PLACEHOLDER:
            what = "which is no bound but a placeholder"
        elif low >= high:
            what = "which leaves it no room"
        else:
            continue
        problems.append(f"component {place} goes from {low:g} to {high:g}, {what}")
    if problems:
        said = shortened("; ".join(problems), 500)
        raise ConfigError(
            f"{env_id} takes actions that DDPG cannot choose: {said}. Wrap the environment with "
            "real bounds, low < high (gymnasium.wrappers.TransformAction), or without such "
            "components."
        )


class _Promised(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Refuses what is not of its space: flattened, a transposed observation would look right."""

    def observation(self, observation: Any) -> Any:
        """Return the observation as it is."""
        _require_of(self.observation_space, observation, "")
        return observation
