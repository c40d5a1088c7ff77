"""The seed of a run: each of its uses draws from a stream of its own."""

import numpy as np

ACTOR_STREAM, GOAL_STREAM, EVALUATION_STREAM, RESET_STREAM, RECORDED_STREAM = 2, 3, 4, 5, 6
"""The simulator's start states have stream 1."""


def stream(seed: int, number: int) -> np.random.Generator:
    """Return the generator of one use of the seed."""
    return np.random.default_rng(np.random.SeedSequence([seed, number]))
