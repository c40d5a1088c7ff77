"""The agent as its own process, over DDS, against a robot that the test plays."""

import json
import math

import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState

from ddpg_ros.control.policy import load_policy
from test.conftest import wait_until
from test.nodes.fake_robot import JOINTS, PERIOD, FakeRobot

pytestmark = pytest.mark.ros

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


def reordered(robot, names):
    """Return the present state with the joints in another order, or with more of them."""
    plain = robot.message(robot.stamp)
    at = {name: index for index, name in enumerate(plain.name)}
    message = JointState(header=plain.header, name=list(names))
    message.position = [plain.position[at[n]] if n in at else 9.9 for n in names]
    message.velocity = [plain.velocity[at[n]] if n in at else 9.9 for n in names]
    return message


def malformed(robot):
    """Yield the present state, wrong in one way each."""
    for change in (
        {"name": ["shoulder", "wrist"]},
        {"name": ["shoulder", "shoulder"]},
        {"name": []},
        {"position": [0.1]},
        {"velocity": []},
        {"position": [0.1, 0.2, 0.3]},
        {"position": [0.1, math.nan]},
        {"velocity": [math.inf, 0.1]},
    ):
        message = robot.message(robot.stamp)
        for field, value in change.items():
            setattr(message, field, value)
        yield message


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
    robot.until(lambda: not process.running, "the end of the run", 30.0)
    assert process.exit(1.0) == 0, process.said
    for command in robot.commands:
        assert all(abs(t) <= limit for t, limit in zip(command.torque, LIMITS, strict=True))
    assert_zero_torque_last(robot)
    kept = summary(tmp_path)
    assert (kept["steps"], kept["eval_episodes"], kept["interrupted"]) == (60, 1, False)
    about = load_policy(tmp_path / "run" / "policy.safetensors").about
    assert (about.steps, about.updates) == (60, 40)


def test_a_stamp_seen_twice_gets_the_same_answer_and_is_no_step(agent, robot, policy):
    agent(run__policy=policy)
    robot.begin()
    for _ in range(100):
        before = robot.stamp
        if robot.resets > 1:
            break
        robot.stamp += PERIOD
        for count in (1, 2, 3):
            robot.publish()
            robot.silent_until(
                lambda c=count: robot.answered(robot.stamp) >= c or robot.resets > 1, "the answer"
            )
            if robot.resets > 1:
                break
        torques = {c.torque for c in robot.commands if c.stamp == before}
        assert len(torques) == 1
    robot.silent_until(lambda: robot.episodes, "the episode's result")
    assert robot.episodes[0][1] == 50  # 2 s of 40 ms, each state three times


def test_order_of_joints_and_extra_joints_do_not_change_the_torque(agent, robot, policy):
    agent(run__policy=policy)
    robot.at_rest = True
    robot.begin()
    expected = robot.step().torque
    for names in (
        ("elbow", "shoulder"),
        ("gripper", "shoulder", "wheel", "elbow"),
        ("elbow", "gripper", "shoulder"),
        JOINTS,
    ):
        robot.stamp += PERIOD
        message = reordered(robot, names)
        assert robot.answer(message).torque == expected
    robot.at_rest = False
    assert robot.step().torque != expected


def test_malformed_states_are_rejected_and_counted_and_the_run_goes_on(
    agent, robot, policy, tmp_path
):
    process = agent(run__policy=policy)
    robot.begin()
    count = 0
    for index in range(8):
        robot.stamp += PERIOD
        wrong = robot.stamp
        robot.publish(list(malformed(robot))[index])
        robot.settle()
        count += 1
        robot.step()
        assert robot.answered(wrong) == 0
    code, _ = process.interrupt()
    assert code == 0
    assert summary(tmp_path)["rejected_states"] == count
    assert "joint state rejected" in process.said and "Traceback" not in process.said


def test_joints_that_no_state_carries_end_it_with_two_and_a_sentence(agent, ros_domain, policy):
    stranger = FakeRobot(ros_domain, ["left_wheel", "right_wheel"])
    try:
        process = agent(run__policy=policy, control__state_timeout=1.0)
        stranger.until(lambda: not process.running, "the end", 10.0)
        assert process.exit(1.0) == 2
        assert "no joint shoulder, elbow in the message; it names: left_wheel" in process.said
        assert "robot.joints" in process.said and "Traceback" not in process.said
    finally:
        stranger.close()


def test_a_silent_topic_is_named_and_awaited(agent, robot, policy, ros_domain):
    process = agent(run__policy=policy, control__state_timeout=0.5)
    wait_until(lambda: "no joint state on /joint_states for 0.5 s" in process.said, 20.0, "it")
    assert f"ROS domain {ros_domain}" in process.said
    assert process.running
    robot.begin()
    robot.step()
    wait_until(lambda: "arrive on /joint_states again" in process.said, 5.0, "the good news")


def test_a_second_commander_ends_it_with_two_and_a_sentence(agent, robot, policy):
    process = agent(run__policy=policy)
    robot.begin()
    robot.lockstep = True
    robot.node.create_publisher(JointState, "joint_command", 1)
    robot.until(lambda: not process.running, "the end", 10.0)
    robot.lockstep = False
    assert process.exit(1.0) == 2
    assert "another node publishes on /joint_command" in process.said
    assert "Traceback" not in process.said
    assert_zero_torque_last(robot)


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


def test_time_that_runs_backwards_discards_the_episode_and_it_goes_on(agent, robot, policy):
    process = agent(run__policy=policy)
    robot.begin()
    for _ in range(5):
        robot.step()
    robot.drain()
    robot.commands.clear()
    robot.stamp = 2 * PERIOD
    robot.until(lambda: robot.resets == 2, "another reset")
    assert robot.stamp == 3 * PERIOD
    robot.answer()
    for _ in range(49):
        robot.step()
    robot.stamp += PERIOD
    robot.publish()
    robot.silent_until(lambda: robot.episodes, "the episode")
    assert [episode[1] for episode in robot.episodes] == [50]
    assert "the clock jumped" in process.said and process.running


def test_time_that_runs_backwards_in_real_time_leaves_zero_torque_on_the_topic(
    agent, robot, policy
):
    agent(run__policy=policy, run__clock="realtime", safety__fallback="zero")
    robot.begin()
    robot.step()
    assert any(any(c.torque) for c in robot.commands if c.stamp == robot.stamp)
    robot.stamp = 1
    robot.until(lambda: robot.answered(1), "a command for the state gone back")
    assert not any(next(c for c in robot.commands if c.stamp == 1).torque)


def test_simulated_time_that_stands_still_does_not_keep_the_agent_from_beginning(
    agent, robot, policy
):
    agent(run__policy=policy, use_sim_time=True)  # nobody publishes /clock
    robot.begin()
    assert robot.step().stamp == robot.stamp


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
    robot.until(lambda: not process.running, "the end", 10.0)
    robot.lockstep = False
    assert process.exit(1.0) == 2
    assert "well begun" in process.said and "stamp" in process.said
    assert "Traceback" not in process.said
    assert_zero_torque_last(robot)
