"""Fault 55: something fails on the way down itself, and zero torque goes out all the same."""

from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy")

from rclpy.publisher import Publisher

from ddpg_ros.control.controller import Command
from ddpg_ros.ros.interface.commands import CommandPublisher
from ddpg_ros.ros.interface.diagnostics import Diagnostics
from ddpg_ros.ros.interface.messages import JointStateWriter
from ddpg_ros.ros.nodes import agent, guard, policy
from ddpg_ros.ros.runtime.arguments import read_arguments
from ddpg_ros.ros.runtime.main import take_down
from ddpg_ros.ros.runtime.watchdog import Watchdog
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.types import JointState
from test.processes import ros_arguments
from test.ros.onlooker import Onlooker, assert_zeros_last

NODES = {"guard": guard, "policy": policy, "agent": agent}
STAMP = 7_000_000_009  # [ns]
PUSH = (1.5, -0.7)  # [N·m]
STEPS = {
    "the latch": (Safety, "fault"),
    "the diagnostics": (Diagnostics, "publish"),
    "the disarming": (Safety, "disarm"),
    "the watchdog's end": (Watchdog, "stop"),
    "the winding down": (Safety, "wind_down"),
    "the guard": (Guard, "release"),
    "the writer": (JointStateWriter, "write"),
    "the first zero": (CommandPublisher, "send"),
    "the publisher": (Publisher, "publish"),
}
CASES = [("guard", step) for step in STEPS]
CASES += [(name, step) for name in ("policy", "agent") for step in ("the latch", "the publisher")]
HARMLESS = ("the latch", "the diagnostics")  # the arm is brought to rest in the usual way
KINDS = (ZeroDivisionError, MemoryError, KeyboardInterrupt, SystemExit)


def raiser(kind):
    def fail(*_, **__):
        raise kind("on the way down")

    return fail


@contextmanager
def acting(name, parameters):
    """A node in this process that has just sent a torque, and all that it sends."""
    rclpy.init()
    onlooker = Onlooker(rclpy.utilities.get_default_context().get_domain_id())
    heard = onlooker.record("guarded_command" if name == "guard" else "joint_command")
    node = NODES[name].make_node(read_arguments(ros_arguments(parameters)))
    try:
        node.start()
        onlooker.until(lambda: heard, "the first zero of the watchdog")
        for _ in range(10):
            node.safety.heard(JointState(STAMP, np.array([0.0, 1.3]), np.zeros(2)), np.inf)
        node.safety.commanded(np.inf)
        node.safety.arm(np.inf)
        node.safety.apply(np.array(PUSH), np.array([0.0, 1.3]), np.zeros(2), 0.04)
        node.send(Command(STAMP, np.array(PUSH)))
        onlooker.until(lambda: any(one.torque == PUSH for one in heard), "the torque")
        yield node, heard, onlooker
    finally:
        take_down([node.destroy_node, rclpy.try_shutdown], None)
        onlooker.close()


@pytest.mark.ros
@pytest.mark.parametrize(("name", "step"), CASES)
def test_fault_55_whatever_fails_on_the_way_down_zeros_are_the_last_that_a_node_sends(
    ros_domain, monkeypatch, policy, name, step
):
    parameters = {"run__clock": "realtime", "control__reset_service": "''"}
    if name != "guard":
        parameters["run__policy"] = policy
    kind = KINDS[list(STEPS).index(step) % len(KINDS)]
    cause = ZeroDivisionError("a mistake of ours")
    with acting(name, parameters) as (node, heard, onlooker):
        owner, method = STEPS[step]
        monkeypatch.setattr(owner, method, raiser(kind))
        problem = take_down([partial(node.failed, cause), node.rest], cause)
        assert problem is cause
        monkeypatch.undo()
        assert_zeros_last(heard, onlooker.turn)
        count = len(heard)
        assert heard[-1].stamp == STAMP
        if step not in HARMLESS:  # the last resort has had the last word
            node.send(Command(STAMP, np.array(PUSH)))
            node.send_aside(np.array(PUSH))
            for _ in range(5):
                onlooker.turn()
            assert not any(any(command.torque) for command in heard[count:])


@pytest.mark.ros
def test_fault_55_a_deactivation_that_fails_sends_zeros_and_ends_the_node(ros_domain, monkeypatch):
    with acting("guard", {}) as (node, heard, onlooker):
        monkeypatch.setattr(Safety, "disarm", raiser(ZeroDivisionError))
        node.trigger_deactivate()
        assert_zeros_last(heard, onlooker.turn)
        assert not node.active and not node.lifecycle.configured
        with pytest.raises(ZeroDivisionError):
            node.lifecycle.keep_order(node)


def test_every_step_of_the_way_down_is_taken_and_the_first_problem_is_the_one_that_is_said():
    taken, first = [], ValueError("first")

    def step(name, error):
        def take():
            taken.append(name)
            raise error

        return take

    steps = [step(kind, kind("later")) for kind in KINDS]
    assert take_down([*steps, lambda: taken.append("last")], first) is first
    assert taken == [*KINDS, "last"]
    assert isinstance(take_down(steps, None), ZeroDivisionError)
    assert take_down([lambda: None], None) is None
