"""Exploration noise on the normalised action; each joint has its own samples."""

import math
from typing import Protocol

import numpy as np

from ddpg_ros.config.settings import NoiseSection
from ddpg_ros.types import Vector32


class Noise(Protocol):
    """A source of exploration noise."""

    def sample(self, sigma: float) -> Vector32:
        """Return the next noise, (n,), of standard deviation `sigma`."""

    def reset(self) -> None:
        """Begin an episode: forget the past samples."""


class GaussianNoise:
    """White noise: every sample is independent of the one before."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        """Make noise for `size` joints out of a generator that nobody else draws from."""
        self._size = size
        self._rng = rng

    def sample(self, sigma: float) -> Vector32:
        """Return (n,) independent samples of N(0, sigma²)."""
        return (sigma * self._rng.standard_normal(self._size)).astype(np.float32)

    def reset(self) -> None:
        """Nothing to forget."""


class OrnsteinUhlenbeckNoise:
    """Noise with inertia, dx = −θ x dt + σ √(2θ) dW (Uhlenbeck & Ornstein 1930).

    Used for exploration by Lillicrap et al. 2016, "Continuous control with deep reinforcement
    learning", section 7. Deviations: the step over dt is the exact one,

        x' = x e^(−θ dt) + σ √(1 − e^(−2θ dt)) N(0, 1),

    not Euler's, and sigma is the stationary standard deviation, not the diffusion (their
    σ = 0.2, θ = 0.15 at dt = 1 is a stationary 0.37). So sigma means the same at every control
    period and for both kinds of noise.
    """

    def __init__(self, size: int, theta: float, dt: float, rng: np.random.Generator) -> None:
        """Make noise for `size` joints out of a generator that nobody else draws from.

        Args:
            size: number of joints.
            theta: rate of return to zero [1/s].
            dt: time between samples [s].
            rng: the generator.
        """
        self._keep = math.exp(-theta * dt)
        self._kick = math.sqrt(-math.expm1(-2.0 * theta * dt))
        self._x = np.zeros(size)
        self._rng = rng

    def sample(self, sigma: float) -> Vector32:
        """Return the next (n,) samples; a change of sigma takes effect over 1/θ."""
        fresh = self._rng.standard_normal(self._x.size)
        self._x = self._keep * self._x + sigma * self._kick * fresh
        return self._x.astype(np.float32)

    def reset(self) -> None:
        """Start again from zero."""
        self._x = np.zeros(self._x.size)


def make_noise(settings: NoiseSection, size: int, dt: float, rng: np.random.Generator) -> Noise:
    """Build the noise that `settings.kind` names.

    Args:
        settings: the noise's settings.
        size: number of joints.
        dt: the control period [s].
        rng: a generator that nobody else draws from.
    """
    if settings.kind == "gaussian":
        return GaussianNoise(size, rng)
    return OrnsteinUhlenbeckNoise(size, settings.theta, dt, rng)


def sigma_at(settings: NoiseSection, step: int, steps: int) -> float:
    """Standard deviation of the noise at one step of a training.

    Linear from `sigma` to `sigma_final` over the first `decay_fraction` of the steps.

    Args:
        settings: the noise's settings.
        step: the step, from 0.
        steps: length of the whole training [steps].
    """
    decay = settings.decay_fraction * steps
    done = min(step / decay, 1.0) if decay > 0 else 1.0
    return (1.0 - done) * settings.sigma + done * settings.sigma_final
