"""Exploration noise on the action in [-1, 1], independent for each joint."""

import math
from typing import Protocol

import numpy as np

from ddpg_ros.config.sections import NoiseSection
from ddpg_ros.types import Vector32


class Noise(Protocol):
    """A source of exploration noise."""

    def sample(self, sigma: float) -> Vector32:
        """Return the next sample, (n,), with standard deviation `sigma`."""

    def reset(self) -> None:
        """Start an episode: forget past samples."""


class GaussianNoise:
    """White noise: successive samples are independent."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        """Make noise for `size` joints; `rng` must not be shared."""
        self._size = size
        self._rng = rng

    def sample(self, sigma: float) -> Vector32:
        """Return independent samples of N(0, sigma²), (n,)."""
        return (sigma * self._rng.standard_normal(self._size)).astype(np.float32)

    def reset(self) -> None:
        """Do nothing: white noise has no memory."""


class OrnsteinUhlenbeckNoise:
    """Correlated noise, dx = −θ x dt + σ √(2θ) dW (Uhlenbeck & Ornstein 1930).

    Lillicrap et al. 2016, "Continuous control with deep reinforcement learning", section 7, use
    it for exploration. There are two deviations:

    * The step over dt is exact, x' = x e^(−θ dt) + σ √(1 − e^(−2θ dt)) N(0, 1), instead of
      Euler's.
    * σ is the stationary standard deviation instead of the diffusion. It thus means the same at
      every control period and for both kinds of noise. Their σ = 0.2 with θ = 0.15 and dt = 1
      has a stationary standard deviation of 0.37.
    """

    def __init__(self, size: int, theta: float, dt: float, rng: np.random.Generator) -> None:
        """Make noise for `size` joints.

        Args:
            size: number of joints.
            theta: rate of return to zero [1/s].
            dt: time between samples [s].
            rng: a generator that must not be shared.
        """
        self._decay = math.exp(-theta * dt)
        self._diffusion = math.sqrt(-math.expm1(-2.0 * theta * dt))
        self._x = np.zeros(size)
        self._rng = rng

    def sample(self, sigma: float) -> Vector32:
        """Return the next sample, (n,); a change of sigma takes effect within about 1/θ [s]."""
        white = self._rng.standard_normal(self._x.size)
        self._x = self._decay * self._x + sigma * self._diffusion * white
        return self._x.astype(np.float32)

    def reset(self) -> None:
        """Restart from 0."""
        self._x = np.zeros(self._x.size)


def make_noise(settings: NoiseSection, size: int, dt: float, rng: np.random.Generator) -> Noise:
    """Build the noise that `settings.kind` names.

    Args:
        settings: the noise's settings.
        size: number of joints.
        dt: the control period [s].
        rng: a generator that must not be shared.
    """
    if settings.kind == "gaussian":
        return GaussianNoise(size, rng)
    return OrnsteinUhlenbeckNoise(size, settings.theta, dt, rng)


def sigma_at(settings: NoiseSection, step: int, steps: int) -> float:
    """Return the noise's standard deviation at one step of a training.

    It is linear from `sigma` to `sigma_final` over the first `decay_fraction` of the steps.

    Args:
        settings: the noise's settings.
        step: the step, from 0.
        steps: length of the whole training [steps].
    """
    decay = settings.decay_fraction * steps
    done = min(step / decay, 1.0) if decay > 0 else 1.0
    return (1.0 - done) * settings.sigma + done * settings.sigma_final
