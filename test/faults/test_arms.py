"""Faults of the arm's description and of states that no arm can have, 76 to 82."""

import math

import pytest

pytest.importorskip("rclpy")

from test.ros.fake_robot import PERIOD

pytestmark = [pytest.mark.ros, pytest.mark.slow]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"velocity": [0.0, 50.0]}, "joint 'elbow' at 50 rad/s is beyond twice its velocity"),
        ({"velocity": [0.0, math.nan]}, "velocity is not finite"),
        ({"name": ["shoulder", "wrist"]}, "no joint elbow in the message"),
    ],
    ids=["too fast", "not finite", "missing"],
)
def test_fault_80_in_lock_step_a_state_that_is_never_believed_ends_the_run_with_a_sentence(
    agent, robot, policy, wrong, sentence
):
    process = agent(run__policy=policy, control__state_timeout=0.6)
    robot.begin()
    robot.stamp += PERIOD
    message = robot.message(robot.stamp)
    for field, value in wrong.items():
        setattr(message, field, value)

    def over():
        robot.publish(message)
        return not process.running

    robot.until(over, "the end")
    assert process.exit(1.0) == 2
    assert "no state on /joint_states could be believed for 0.6 s" in process.said
    assert sentence in process.said and "Traceback" not in process.said
    robot.drain()
    assert len(robot.zeros_at_the_end()) >= 5
