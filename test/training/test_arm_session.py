"""A session on an arm: an endless run's goals, and a training that an evaluation follows."""

import itertools
import time

import numpy as np
import pytest

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, RefusedError
from ddpg_ros.safety.arming import ARMING_STATES
from ddpg_ros.tasks.trajectory import Trajectory
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.types import JointState
from test.ros.conftest import make_policy

HERE = JointState(1, np.array([0.3, 1.2]), np.zeros(2))
THERE = JointState(2, np.array([-1.0, 0.8]), np.zeros(2))


@pytest.fixture
def endless(tmp_path):
    policy = make_policy(tmp_path / "random.safetensors", Config())
    return ArmSession(Config().with_parameters({"run.policy": str(policy)}), None, endless=True)


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
        ArmSession(Config(), None, endless=True)


def states():
    """States of an arm that nobody pushes, a control period apart."""
    rng = np.random.default_rng(1)
    for number in itertools.count(1):
        yield JointState(number * 40_000_000, rng.uniform(-0.3, 0.3, 2), rng.uniform(-0.1, 0.1, 2))


def ends_of_episodes(session, count):
    """Run `count` episodes; return how each ended: the episode's length, or None if it was cut."""
    ends, state = [], states()
    for _ in range(count):
        assert session.next_episode(next(state))
        tick = session.tick(next(state), 0.04)
        while not tick.over:
            assert tick.torque.any()
            tick = session.tick(next(state), 0.04)
        assert not tick.torque.any()
        ends.append(tick.episode and tick.episode.length)
    return ends


def test_the_last_step_of_a_training_cuts_its_episode_and_an_evaluation_follows(tmp_path):
    config = Config().with_parameters(
        {
            "run.steps": 25,
            "run.eval_episodes": 2,
            "task.episode_seconds": 0.4,  # 10 steps
            "learner.hidden": [8],
            "learner.mode": "eager",
        }
    )
    session = ArmSession(config, tmp_path)
    try:
        session.worker.wait_until_ready()
        arm(session)
        assert session.values()["phase"] == "train"
        assert ends_of_episodes(session, 3) == [10, 10, None]
        assert session.trained
        assert ends_of_episodes(session, 2) == [10, 10]
        assert not session.next_episode(HERE)
        assert session.values()["phase"] == "greedy"
    finally:
        session.cancel()
        summary = session.close(rejected_states=4, interrupted=False)
    assert (summary.steps, summary.episodes, summary.eval_episodes) == (25, 2, 2)
    assert summary.rejected_states == 4
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "10", "20"]
    assert len((tmp_path / "evaluation.csv").read_text().splitlines()) == 1 + 2


def arm(session):
    """Let the safety hear of an arm at rest, and arm it."""
    for _ in range(ARMING_STATES):
        session.safety.heard(JointState(1, np.zeros(2), np.zeros(2)), time.monotonic())
    session.safety.arm(time.monotonic(), anywhere=True)


def endless_run(tmp_path, **task):
    config = Config().with_parameters({f"task.{name}": value for name, value in task.items()})
    policy = make_policy(tmp_path / "random.safetensors", config)
    return ArmSession(config.with_parameters({"run.policy": str(policy)}), None, endless=True)


def test_without_a_goal_the_joints_are_to_stay_where_they_are(tmp_path):
    run = endless_run(tmp_path, name="joints")
    for state in (HERE, THERE):
        run.next_episode(state)
        assert run.goal.tolist() == state.position.tolist()
    run.give_goal(np.array([1.0, 0.5]))
    run.next_episode(HERE)
    assert run.goal.tolist() == [1.0, 0.5]


def test_a_trajectory_is_for_the_episode_in_which_it_comes(tmp_path):
    run = endless_run(tmp_path, name="track")
    way = Trajectory(np.array([1.0]), np.array([[0.5, 1.0]]))
    run.next_episode(HERE)
    with pytest.raises(RefusedError, match="no policy acts"):
        run.give_goal(way)  # nor is there a state to begin at
    run.tick(HERE, 0.04)
    assert run.goal.at(9.0)[0].tolist() == HERE.position.tolist()
    run.give_goal(way)
    assert run.goal.at(0.0)[0].tolist() == pytest.approx(HERE.position.tolist())
    assert run.goal.at(1.0)[0].tolist() == [0.5, 1.0]
    run.abandon_episode()
    with pytest.raises(RefusedError, match="no policy acts"):
        run.give_goal(way)
    run.next_episode(THERE)
    assert run.goal.at(1.0)[0].tolist() == THERE.position.tolist()


def test_a_task_without_goals_refuses_them(tmp_path):
    run = endless_run(tmp_path, name="hold")
    with pytest.raises(RefusedError, match="the task hold takes no goals"):
        run.give_goal(np.array([0.1, 0.2]))
