"""A session on an arm: an endless run's goals, and a training that an evaluation follows."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import SIZE_LIMIT, load_policy, save_policy
from ddpg_ros.errors import ConfigError, PolicyFileError, RefusedError
from ddpg_ros.files.sealed import read_sealed, write_sealed
from ddpg_ros.safety.arming import ARMING_STATES
from ddpg_ros.tasks.trajectory import Trajectory
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.types import JointState
from test.ros.conftest import make_policy
from test.upright import UPRIGHT

pytestmark = pytest.mark.usefixtures("warm_learners")

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
        ([3.0, 4.0, 0.0], "is 5 m from its first joint, and the arm reaches at most "),
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


@pytest.fixture
def weighing(tmp_path):
    """Returns a function that makes a policy of an arm that weighs, and opens a session of it."""
    file = tmp_path / "upright.urdf"
    file.write_text(UPRIGHT)

    def open_with(trained, now, before=None):
        base = Config().with_parameters({"robot.urdf": str(file)})
        path = make_policy(tmp_path / "weighs.safetensors", base.with_parameters(trained))
        if before is not None:  # a file from before `robot.gravity`
            tensors = load_file(path)
            about = load_policy(path).about
            settings = {k: v for k, v in about.config.items() if k != "robot.gravity"}
            old = replace(about, gravity="", schema_version=3, config=settings | before)
            names = ("weights", "golden_observations", "golden_actions")
            save_policy(path, old, *(tensors[name] for name in names))
        config = base.with_parameters(now | {"run.policy": str(path)})
        return ArmSession(config, None, endless=True)

    return open_with


@pytest.mark.parametrize(
    ("trained", "now", "what"),
    [
        ({"robot.gravity": "model"}, {}, "gravity model, and this robot has driver"),
        ({}, {"robot.gravity": "none"}, "gravity driver, and this robot has none"),
        ({}, {"robot.payload_mass": 1.0}, "payload_mass 0.0, and this robot has 1.0"),
        (
            {"robot.payload_mass": 1.0, "robot.payload_centre": [0.0, 0.0, 0.1]},
            {"robot.payload_mass": 1.0},
            r"payload_centre \[0.0, 0.0, 0.1\], and this robot has \[0.0, 0.0, 0.0\]",
        ),
    ],
)
def test_fault_93_a_policy_that_was_trained_with_another_weight_is_refused(
    weighing, trained, now, what
):
    with pytest.raises(PolicyFileError, match=f"was trained with {what}; run it with"):
        weighing(trained, now)


@pytest.mark.parametrize(
    ("gravity_then", "now", "fits"),
    [(9.81, "none", True), (9.81, "driver", False), (0.0, "driver", True), (0.0, "none", False)],
)
def test_a_policy_from_before_was_of_an_arm_that_nobody_carried_or_that_had_no_weight(
    weighing, gravity_then, now, fits
):
    config, then = {"robot.gravity": now}, {"sim.gravity": gravity_then}
    if fits:
        weighing({}, config, then)
    else:
        with pytest.raises(PolicyFileError, match="was trained with gravity"):
            weighing({}, config, then)


def test_who_carries_an_arm_without_weight_makes_no_difference(tmp_path):
    policy = make_policy(tmp_path / "flat.safetensors", Config())
    given = {"robot.gravity": "none", "run.policy": str(policy)}
    ArmSession(Config().with_parameters(given), None, endless=True)


def refusal_of(tmp_path, **changes):
    """Try to run a policy whose file says something else about itself."""
    path = make_policy(tmp_path / "random.safetensors", Config())
    document, tensors = read_sealed(path, "policy", SIZE_LIMIT)
    write_sealed(path, "policy", document | changes, tensors)
    with pytest.raises(PolicyFileError) as caught:
        ArmSession(Config().with_parameters({"run.policy": str(path)}), None, endless=True)
    return str(caught.value)


def test_fault_26_a_policy_of_other_joints_or_another_order_is_refused_with_both(tmp_path):
    for joints in (["elbow", "shoulder"], ["shoulder", "wrist"]):
        sentence = refusal_of(tmp_path, joints=joints)
        assert f"was trained with joints {joints}, and this robot has ['shoulder'" in sentence


def test_fault_25_a_policy_of_another_observation_or_action_size_is_refused(tmp_path):
    small = Config().with_parameters({"robot.urdf": "pendulum", "task.name": "swing_up"})
    path = make_policy(tmp_path / "small.safetensors", small)
    document, tensors = read_sealed(path, "policy", SIZE_LIMIT)
    about = policy_about(Config(), *build_arm(Config())[:2])
    claims = {"joints": about.joints, "torque_limit": about.torque_limit, "task": about.task}
    claims |= {"urdf_sha256": about.urdf_sha256, "control_period": about.control_period}
    write_sealed(path, "policy", document | claims, tensors)
    with pytest.raises(PolicyFileError, match=r"maps 3 observations to 1 .* have 9 and 2\."):
        ArmSession(Config().with_parameters({"run.policy": str(path)}), None, endless=True)
