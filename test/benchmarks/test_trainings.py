"""What is kept of a training's curve, and what both sides are told."""

import pytest

from benchmarks.options import OPTIONS
from benchmarks.trainings import Setup, area, late_return, result, thinned
from ddpg_ros.config.parameter_file import load_config

CURVE = [(10.0, 1.0), (20.0, 2.0), (60.0, 5.0), (100.0, 8.0)]  # (step at its end, return)


def test_the_area_weighs_each_episode_by_its_steps():
    assert area(CURVE) == pytest.approx((10 * 1.0 + 10 * 2.0 + 40 * 5.0 + 40 * 8.0) / 100)
    assert area([]) is None


def test_the_late_return_is_of_the_last_tenth_of_the_episodes():
    assert late_return([(float(k), float(k)) for k in range(1, 21)]) == 19.5  # of 19 and 20
    assert late_return(CURVE) == 8.0  # at least one
    assert late_return([]) is None


def test_a_thinned_curve_holds_the_mean_of_each_stretch_and_leaves_empty_ones_out():
    assert thinned(CURVE, steps=100, points=4) == [(25.0, 1.5), (75.0, 5.0), (100.0, 8.0)]


def test_a_training_without_a_finished_episode_still_has_a_result():
    kept = result([-3.0, -5.0], [], train_wall_s=1.0, total_wall_s=2.0, steps=100)
    assert (kept["mean_return"], kept["late_return"], kept["curve"]) == (-4.0, None, [])


def test_ours_and_the_peers_are_given_alike():
    setup = Setup(1000, (64, 32), 100, 1e-3, 0.99, 0.005, 50, 0.1)
    settings, told = setup.settings(), " ".join(setup.arguments())
    assert settings["learner.hidden"] == [64, 32] and "--hidden 64 32" in told
    assert settings["learner.warmup_steps"] == 50 and "--warmup 50" in told
    assert settings["noise.sigma"] == settings["noise.sigma_final"] == 0.1
    assert "--noise 0.1" in told


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_a_setting_that_we_have(name):
    setup = Setup(1000, (64, 32), 100, 1e-3, 0.99, 0.005, 50, 0.1)
    settings = {**setup.settings(), **OPTIONS[name]}
    config = load_config("gym").with_parameters(settings)
    assert config.run.steps == 1000
