"""An endless run of a policy: where its goals come from."""

import numpy as np
import pytest

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, RefusedError
from ddpg_ros.training.session import Session
from ddpg_ros.types import JointState
from test.ros.conftest import make_policy

HERE = JointState(1, np.array([0.3, 1.2]), np.zeros(2))
THERE = JointState(2, np.array([-1.0, 0.8]), np.zeros(2))


@pytest.fixture
def endless(tmp_path):
    policy = make_policy(tmp_path / "random.safetensors", Config())
    return Session(Config().with_parameters({"run.policy": str(policy)}), None, endless=True)


def test_without_a_goal_the_fingertip_is_to_stay_where_it_is(endless):
    for state in (HERE, THERE):  # armed, and armed again elsewhere
        assert endless.next_episode(state)
        tip = endless.robot.tip_position(state.position)
        assert endless.goal.tolist() == tip.tolist()


def test_a_goal_that_is_given_holds_at_once_and_for_the_episodes_that_follow(endless):
    endless.next_episode(HERE)
    endless.give_goal(np.array([0.2, 0.3, 0.08]))
    assert endless.goal.tolist() == [0.2, 0.3, 0.08]
    endless.next_episode(THERE)
    assert endless.goal.tolist() == [0.2, 0.3, 0.08]


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [
        ([np.nan, 0.3, 0.08], "is not finite"),
        ([3.0, 4.0, 0.0], "is 5 m from the base, and the arm reaches at most "),
    ],
)
def test_a_goal_that_cannot_be_reached_is_refused_and_the_one_before_stays(
    endless, goal, sentence
):
    endless.give_goal(np.array([0.2, 0.3, 0.08]))
    with pytest.raises(RefusedError, match=sentence):
        endless.give_goal(np.array(goal))
    endless.next_episode(HERE)
    assert endless.goal.tolist() == [0.2, 0.3, 0.08]


def test_an_endless_episode_has_no_time_limit(endless):
    endless.next_episode(HERE)
    ticks = [endless.tick(HERE, 0.04) for _ in range(2 * endless.config.episode_steps)]
    assert not any(tick.over for tick in ticks)


def test_without_a_policy_there_is_nothing_to_run():
    with pytest.raises(ConfigError, match=r"run\.policy is empty"):
        Session(Config(), None, endless=True)
