"""What an environment answers is taken as what it is, or refused in a sentence."""

import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, Tuple

from ddpg_ros.errors import ConfigError, EnvironmentFailedError
from ddpg_ros.training.gymnasium_environment import Environment

ACTION = np.zeros(1, np.float32)


class Told(gymnasium.Env):
    """Answers what it is told to."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, observation=(0.0, 0.0), reward=-1.0, ends=(False, False), info=None):
        """Take the observation and what a step answers beside it."""
        self._observation, self._reward, self._ends = observation, reward, ends
        self._info = info or {}

    def reset(self, *, seed=None, options=None):
        """Begin."""
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        """Answer."""
        return self._observation, self._reward, *self._ends, self._info


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"observation": np.array([1 + 2j, 0])}, r"observation array.* expected real numbers"),
        (
            {"observation": ["0.1", "0.2"]},
            r"\['0.1', '0.2'\] .* expected real numbers",
        ),
        ({"reward": np.complex64(1 + 1j)}, r"the reward .* in step\(\); expected a number"),
        ({"reward": "-1.5"}, "the reward '-1.5' in"),
        ({"reward": None}, "the reward None in"),
        ({"reward": np.array([1.0, 2.0])}, r"the reward array\(\[1., 2.\]\) in"),
        ({"ends": ("False", False)}, "the terminated 'False' in .* expected True or False"),
        ({"ends": (np.array([False, True]), False)}, "the terminated array"),
        ({"ends": (False, None)}, "the truncated None in"),
        ({"ends": (float("nan"), False)}, "terminated = nan in"),
        ({"ends": (2, False)}, "terminated = 2 in"),
        ({"info": {"is_success": "no"}}, "the is_success 'no' in"),
    ],
)
def test_what_is_no_number_or_truth_is_refused(told, sentence):
    env = Environment(Told(**told))
    env.reset(0)
    with pytest.raises(EnvironmentFailedError, match=sentence):
        env.step(ACTION)


class OnAnotherDevice:
    """Like a tensor that cannot become an array."""

    def __array__(self, *_, **__):
        """Fail, as such a tensor does."""
        raise RuntimeError("not on the CPU")


RAGGED = [1.0, [2.0, 3.0]]
A_NUMBER_WITHOUT_TEXT = 10**5000  # Python refuses to print it


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"reward": RAGGED}, r"in step\(\), with its reward: ValueError"),
        ({"reward": OnAnotherDevice()}, "with its reward: RuntimeError: not on the CPU"),
        ({"observation": OnAnotherDevice()}, "with its observation: RuntimeError: not on the"),
        ({"ends": (RAGGED, False)}, "with its terminated: ValueError"),
        ({"info": {"is_success": RAGGED}}, "with its is_success: ValueError"),
        ({"reward": A_NUMBER_WITHOUT_TEXT}, "the reward of type int in"),
    ],
)
def test_what_cannot_become_an_array_is_refused_by_name(told, sentence):
    env = Environment(Told(**told))
    env.reset(0)
    with pytest.raises(EnvironmentFailedError, match=sentence):
        env.step(ACTION)


def test_a_number_that_is_masked_is_none():
    half = np.ma.array([1.0, 2.0], mask=[False, True])
    for told in ({"reward": np.ma.masked}, {"observation": half}):
        env = Environment(Told(**told))
        env.reset(0)
        with pytest.raises(EnvironmentFailedError, match="expected"):
            env.step(ACTION)


@pytest.mark.parametrize("true", [True, np.True_, 1, 1.0, np.array(True), np.array([True])])
def test_a_number_or_truth_may_be_of_any_type_that_is_one(true):
    told = Told([1, 0], np.array([2.5]), (true, False), {"is_success": true})
    env = Environment(told)
    env.reset(0)
    step = env.step(ACTION)
    assert step.observation.tolist() == [1.0, 0.0]
    assert (step.reward, step.terminated, step.over, step.success) == (2.5, True, True, True)


def test_an_environment_that_ends_the_process_has_failed(monkeypatch):
    env = Environment(Told())
    monkeypatch.setattr(Told, "step", lambda *_: sys.exit(0))
    with pytest.raises(EnvironmentFailedError, match=r"failed in step\(\): SystemExit: 0\."):
        env.step(ACTION)


def test_bounds_of_actions_between_which_nothing_lies_are_refused(monkeypatch):
    tiny = Box(np.float32([-1.0, 0.0]), np.float32([1.0, 1e-45]))
    monkeypatch.setattr(Told, "action_space", tiny)
    with pytest.raises(ConfigError, match=r"component 1 goes from 0 to 1\.4.*e-45, too near each"):
        Environment(Told())


NESTED = Dict({"arm": Box(-1.0, 1.0, (2, 3)), "tool": Tuple([Discrete(3), Box(0.0, 1.0, (1,))])})


def nested(arm=(2, 3), tool=2, number=(0.5,)):
    return {"arm": np.zeros(arm), "tool": (tool, np.array(number))}


@pytest.mark.parametrize(
    ("space", "observation", "sentence"),
    [
        (Box(-1.0, 1.0, (2, 3)), np.zeros((3, 2)), r"shape \(3, 2\).*promised.* \(2, 3\)"),
        (Box(-1.0, 1.0, (2, 3)), np.zeros(6), r"shape \(6,\)"),
        (Box(-1.0, 1.0, ()), np.zeros(1), r"shape \(1,\)"),
        (Box(-1.0, 1.0, (1, 1)), [["0.5"]], r"type <U3, promised are real numbers"),
        (NESTED, nested(arm=(3, 2)), r"observation\['arm'\] of shape \(3, 2\)"),
        (NESTED, nested(number=(0.5, 0.5)), r"observation\['tool'\]\[1\] of shape \(2,\)"),
        (NESTED, nested(tool=-1), r"observation\['tool'\]\[0\] -1, .* promised Discrete\(3\)"),
        (NESTED, {"arm": np.zeros((2, 3))}, "promised are the parts arm, tool"),
        (NESTED, {**nested(), "tool": (1,)}, "promised is a tuple of 2"),
    ],
)
def test_an_observation_that_flattens_to_the_right_size_must_be_of_its_space(
    space, observation, sentence
):
    told = Told(observation=observation)
    told.observation_space = space
    told.reset = lambda **_: (space.sample(), {})
    env = Environment(told)
    env.reset(0)
    with pytest.raises(EnvironmentFailedError, match=sentence):
        env.step(ACTION)


def test_a_nested_observation_is_flattened_in_its_order():
    told = Told(observation=nested())
    told.observation_space = NESTED
    assert Environment(told).step(ACTION).observation.tolist() == [0.0] * 6 + [0, 0, 1, 0.5]
