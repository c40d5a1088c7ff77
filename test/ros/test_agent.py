"""The agent as its own process, over DDS, against a robot that the test plays."""

import json
import math

import pytest

pytest.importorskip("rclpy")


from std_srvs.srv import Trigger

from ddpg_ros.control.policy import load_policy
from test.conftest import wait_until
from test.ros.fake_robot import JOINTS, PERIOD, FakeRobot

pytestmark = [pytest.mark.ros, pytest.mark.slow]

LIMITS = (2.0, 1.0)  # [N·m], of reacher2
SMALL = {  # a training that does little
    "run__steps": 100_000,
    "learner__hidden": [8],
    "learner__batch_size": 16,
    "learner__warmup_steps": 20,
}


def summary(folder):
    return json.loads((folder / "run" / "summary.json").read_text())


def assert_zero_torque_last(robot):
    robot.drain()
    zeros = robot.zeros_at_the_end()
    assert len(zeros) >= 5, robot.commands[-8:]
    assert zeros[0].sent - zeros[-1].sent >= 50_000_000


def test_each_state_is_answered_with_its_stamp_by_names_and_torques_within_the_limits(
    agent, robot, policy
):
    agent(run__policy=policy)
    robot.begin()
    answers = [robot.step() for _ in range(30)]
    for command in answers:
        assert command.names == JOINTS
        assert all(math.isfinite(t) for t in command.torque)
        assert all(abs(t) <= limit for t, limit in zip(command.torque, LIMITS, strict=True))
    assert len({command.torque for command in answers}) == 30  # they follow the state


def test_exploration_stays_within_the_limits_and_the_policy_is_kept(agent, robot, tmp_path):
    process = agent(**SMALL | {"run__steps": 60, "run__eval_episodes": 1})
    robot.lockstep = True
    robot.until(lambda: not process.running, "the end of the run")
    assert process.exit(1.0) == 0, process.said
    for command in robot.commands:
        assert all(abs(t) <= limit for t, limit in zip(command.torque, LIMITS, strict=True))
    assert_zero_torque_last(robot)
    kept = summary(tmp_path)
    assert (kept["steps"], kept["eval_episodes"], kept["interrupted"]) == (60, 1, False)
    about = load_policy(tmp_path / "run" / "policy.safetensors").about
    assert (about.steps, about.updates) == (60, 40)


def test_rejected_states_are_counted_in_the_summary_and_the_run_goes_on(
    agent, robot, policy, tmp_path
):
    process = agent(run__policy=policy)
    robot.begin()
    robot.stamp += PERIOD
    wrong = robot.message(robot.stamp)
    wrong.velocity = []
    robot.publish(wrong)
    robot.settle()
    assert robot.step() and not robot.answered(robot.stamp - PERIOD)
    assert process.interrupt()[0] == 0
    assert summary(tmp_path)["rejected_states"] == 1


def test_joints_that_no_state_carries_end_it_with_two_and_a_sentence(agent, ros_domain, policy):
    stranger = FakeRobot(ros_domain, ["left_wheel", "right_wheel"])
    try:
        process = agent(run__policy=policy, control__state_timeout=1.0)
        stranger.until(lambda: not process.running, "the end")
        assert process.exit(1.0) == 2
        assert "no joint shoulder, elbow in the message; it names: left_wheel" in process.said
        assert "robot.joints" in process.said and "Traceback" not in process.said
    finally:
        stranger.close()


def test_a_silent_topic_is_named_and_awaited(agent, robot, policy, ros_domain):
    process = agent(run__policy=policy, control__state_timeout=0.5)
    wait_until(lambda: "no new joint state on /joint_states for 0.5 s" in process.said, what="it")
    assert f"ROS domain {ros_domain}" in process.said
    assert process.running
    robot.begin()
    robot.step()
    wait_until(lambda: "arrive on /joint_states again" in process.said, what="the good news")


def test_in_lock_step_a_state_that_comes_again_after_an_estop_gets_a_safe_torque(
    agent, robot, policy
):
    agent(run__policy=policy, safety__fallback="zero")
    robot.begin()
    robot.step()
    assert any(robot.step().torque)
    estop = robot.client("agent/estop")
    robot.silent_until(estop.service_is_ready, "the service")
    answer = estop.call_async(Trigger.Request())
    robot.silent_until(answer.done, "the stop")
    robot.drain()
    robot.commands.clear()
    robot.until(lambda: robot.answered(robot.stamp), "another answer")
    assert not any(robot.commands[-1].torque)


def test_in_lock_step_an_arm_that_is_placed_during_an_estop_is_believed_where_it_stands(
    agent, robot, policy
):
    agent(run__policy=policy, safety__fallback="zero")
    robot.begin()
    robot.step()
    estop = robot.client("agent/estop")
    robot.silent_until(estop.service_is_ready, "the service")
    answer = estop.call_async(Trigger.Request())
    robot.silent_until(answer.done, "the stop")
    robot.displaced = -1.0
    assert not any(robot.step().torque)
    assert not any(robot.step().torque)


def test_states_faster_than_the_control_period_are_decimated_by_their_stamps(agent, robot, policy):
    agent(run__policy=policy, run__clock="realtime")
    first = robot.begin().stamp
    due = []
    for count in range(1, 41):
        robot.stamp = first + count * 5_000_000
        if count % 8 == 0:
            robot.answer()
            due.append(robot.stamp)
        else:
            robot.publish()
            robot.settle()
    assert sorted({c.stamp for c in robot.commands if c.stamp > first}) == due


def test_without_a_reset_service_an_episode_goes_on_from_where_the_arm_stands(
    agent, robot, policy
):
    settings = {"task__episode_seconds": 0.2, "control__reset_service": "''"}
    agent(run__policy=policy, run__clock="realtime", **settings)
    robot.until(lambda: robot.commands, "the first command")
    for _ in range(40):  # ten states to arm, and two episodes of five steps
        if len(robot.episodes) >= 2:
            break
        robot.stamp += PERIOD
        robot.answer()
    assert robot.resets == 0
    assert [episode[1] for episode in robot.episodes[:2]] == [5, 5]


def test_a_reset_answered_with_no_stamp_ends_it_with_two_and_a_sentence(agent, robot, policy):
    process = agent(run__policy=policy)
    robot.begin()
    robot.step()
    robot.reset_answer = "well begun"
    robot.lockstep = True
    robot.publish()
    robot.until(lambda: not process.running, "the end")
    robot.lockstep = False
    assert process.exit(1.0) == 2
    assert "well begun" in process.said and "stamp" in process.said
    assert "Traceback" not in process.said
    assert_zero_torque_last(robot)
