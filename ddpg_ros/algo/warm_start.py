"""What a training takes of an earlier one to begin with; no torch, as a preflight reads it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.types import Vector, Vector32


class Critics(NamedTuple):
    """What only a run has, and a policy file has not."""

    critics: NDArray[np.float32]  # (c, q)
    target_critics: NDArray[np.float32]  # (c, q)
    seen: int  # observations in the statistics
    mean: Vector  # (o,) of the observations
    variance: Vector  # (o,)


class WarmStart(NamedTuple):
    """The networks of an earlier training, and transitions of it."""

    actor: Vector32  # (p,); without `critics` it takes raw observations
    target_actor: Vector32  # (p,)
    critics: Critics | None  # None: of a policy file
    values: tuple[float, float]  # smallest and largest that the rewards allowed
    records: NDArray[np.float32]  # (k, width) of its replay buffer, oldest first
