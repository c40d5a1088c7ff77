"""Exploration noise: its statistics, its seeds and its schedule."""

import math

import numpy as np
import pytest

from ddpg_ros.config.sections import NoiseSection
from ddpg_ros.control.noise import (
    GaussianNoise,
    OrnsteinUhlenbeckNoise,
    make_noise,
    sigma_at,
)

THETA, DT = 3.0, 0.05


def gaussian(seed=0, size=2):
    return GaussianNoise(size, np.random.default_rng(seed))


def ornstein_uhlenbeck(seed=0, size=2):
    return OrnsteinUhlenbeckNoise(size, THETA, DT, np.random.default_rng(seed))


def draw(noise, count, sigma=0.3):
    """Return (count, n) samples."""
    return np.array([noise.sample(sigma) for _ in range(count)])


both = pytest.mark.parametrize("make", [gaussian, ornstein_uhlenbeck])


@both
def test_a_sample_is_one_float32_for_each_joint(make):
    sample = make(size=7).sample(0.3)
    assert sample.shape == (7,)
    assert sample.dtype == np.float32


@both
def test_sigma_is_the_standard_deviation_and_the_mean_is_zero(make):
    samples = draw(make(), 20_000, sigma=0.3)
    # OU samples are correlated over 1/(θ dt) ≈ 7 steps: some 3000 independent ones, ± 2 %.
    assert samples.std(axis=0) == pytest.approx([0.3, 0.3], rel=0.06)
    assert samples.mean(axis=0) == pytest.approx([0, 0], abs=0.025)


@both
def test_joints_have_independent_samples(make):
    samples = draw(make(size=3), 20_000)
    correlation = np.corrcoef(samples.T) - np.eye(3)
    assert np.abs(correlation).max() < 0.06


@both
def test_the_seed_decides_the_samples(make):
    assert np.array_equal(draw(make(seed=1), 10), draw(make(seed=1), 10))
    assert not np.array_equal(draw(make(seed=1), 10), draw(make(seed=2), 10))


@both
def test_the_global_generator_is_neither_used_nor_moved(make):
    before = np.random.get_state()[1].copy()
    draw(make(), 10)
    assert np.array_equal(before, np.random.get_state()[1])


@both
def test_a_sample_belongs_to_the_caller(make):
    noise, untouched = make(), make()
    noise.sample(0.3)[:] = 100.0
    untouched.sample(0.3)
    assert np.array_equal(noise.sample(0.3), untouched.sample(0.3))


@both
def test_sigma_zero_is_no_noise(make):
    assert not draw(make(), 5, sigma=0.0).any()


def autocorrelation(samples, lag):
    return float((samples[:-lag] * samples[lag:]).mean() / (samples**2).mean())


def test_gaussian_noise_forgets_at_once():
    assert autocorrelation(draw(gaussian(), 20_000), 1) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("lag", [1, 4])
def test_ornstein_uhlenbeck_noise_forgets_at_the_rate_theta(lag):
    samples = draw(ornstein_uhlenbeck(), 40_000)
    assert autocorrelation(samples, lag) == pytest.approx(math.exp(-3.0 * 0.05 * lag), abs=0.02)


class Ones:
    """A generator whose every normal sample is 1."""

    def standard_normal(self, size):
        """Return (size,) ones."""
        return np.ones(size)


def test_ornstein_uhlenbeck_takes_the_exact_step():
    # With θ dt = ln 2: e^(−θ dt) = 1/2 and √(1 − e^(−2θ dt)) = √(3/4).
    noise = OrnsteinUhlenbeckNoise(1, theta=math.log(2), dt=1.0, rng=Ones())
    kick = math.sqrt(0.75)
    assert noise.sample(2.0) == pytest.approx([2 * kick])
    assert noise.sample(2.0) == pytest.approx([kick + 2 * kick])
    assert noise.sample(0.0) == pytest.approx([1.5 * kick])


def test_reset_starts_ornstein_uhlenbeck_noise_from_zero():
    noise = OrnsteinUhlenbeckNoise(1, theta=math.log(2), dt=1.0, rng=Ones())
    first = noise.sample(1.0)
    noise.sample(1.0)
    noise.reset()
    assert np.array_equal(noise.sample(1.0), first)


def test_reset_does_not_repeat_the_noise_of_the_episode_before():
    for noise in (gaussian(), ornstein_uhlenbeck()):
        first = draw(noise, 5)
        noise.reset()
        assert not np.array_equal(draw(noise, 5), first)


@pytest.mark.parametrize(
    ("kind", "kept"), [("gaussian", 0.0), ("ornstein_uhlenbeck", math.exp(-0.2))]
)
def test_make_noise_builds_the_kind_of_the_settings_with_its_theta_and_period(kind, kept):
    settings = NoiseSection(kind=kind, theta=2.0)
    noise = make_noise(settings, size=1, dt=0.1, rng=np.random.default_rng(0))
    assert autocorrelation(draw(noise, 20_000), 1) == pytest.approx(kept, abs=0.03)


@pytest.mark.parametrize(
    ("step", "sigma"), [(0, 0.4), (200, 0.3), (400, 0.2), (800, 0.0), (900, 0.0), (5000, 0.0)]
)
def test_sigma_falls_linearly_over_the_decay_fraction_and_then_stays(step, sigma):
    settings = NoiseSection(sigma=0.4, sigma_final=0.0, decay_fraction=0.8)
    assert sigma_at(settings, step, steps=1000) == pytest.approx(sigma)


def test_sigma_ends_exactly_at_its_final_value():
    settings = NoiseSection(sigma=0.3, sigma_final=0.05, decay_fraction=1.0)
    assert sigma_at(settings, 1000, steps=1000) == 0.05


def test_without_a_decay_sigma_is_the_final_one_from_the_start():
    settings = NoiseSection(sigma=0.3, sigma_final=0.05, decay_fraction=0.0)
    assert sigma_at(settings, 0, steps=1000) == 0.05
