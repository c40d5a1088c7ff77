"""The seed of a run: each of its uses draws from a stream of its own."""

from typing import Any

import numpy as np

ACTOR_STREAM, GOAL_STREAM, EVALUATION_STREAM, RESET_STREAM, RECORDED_STREAM = 2, 3, 4, 5, 6
"""The simulator's start states have stream 1."""


def stream(seed: int, number: int) -> np.random.Generator:
    """Return the generator of one use of the seed."""
    return np.random.default_rng(np.random.SeedSequence([seed, number]))


def generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator, as JSON."""
    return dict(rng.bit_generator.state)


def restore_generator(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Continue the sequence of another generator of the same kind.

    Raises:
        KeyError, TypeError, ValueError: not the state of such a generator.
    """
    rng.bit_generator.state = state
