"""The guard between a policy and the hardware: which commands it passes on."""

import numpy as np
import pytest

from ddpg_ros.control.guard_controller import GuardController
from ddpg_ros.robot.arm import Robot
from ddpg_ros.safety.deadlines import Deadlines
from ddpg_ros.types import JointState
from test.safeties import AT_REST, INSIDE, LIMIT, PERIOD, PUSH, Bench

STAMP = 5_000_000_000  # [ns] of the first state
STEP = 10_000_000  # [ns], a control period; a state is answered for three of them
BEYOND = np.array([9.0, -9.0])  # [N·m]


class Passing:
    """A guard controller that is armed by itself, its states and its commands."""

    def __init__(self, answered_for=PERIOD):
        """Let commands answer states that are up to three times as old [s]."""
        self.bench = Bench(watches_commands=True)
        self.attempts = 0
        self.controller = GuardController(
            Robot.load("reacher2"), self.bench.safety, Deadlines.of(answered_for), self.arm
        )
        self.stamp = STAMP

    def arm(self):
        self.attempts += 1
        self.bench.safety.arm(self.bench.now)

    def see(self, count=1):
        for _ in range(count):
            self.stamp += STEP
            self.bench.hear()
            state = JointState(self.stamp, INSIDE, AT_REST)
            assert self.controller.on_state(state, self.bench.now) is None

    def ask(self, torque=PUSH, late=0):
        return self.controller.on_command(self.stamp - late, torque, self.bench.now)


@pytest.fixture
def passing():
    return Passing()


def test_a_command_before_any_state_is_not_passed_on(passing):
    assert passing.ask() is None
    assert passing.controller.stray == "" and passing.controller.ignored == 0


def test_a_command_is_passed_on_with_its_stamp_and_within_the_limits(passing):
    passing.see(10)
    first = passing.ask(BEYOND)
    assert passing.attempts == 1
    assert first.stamp == passing.stamp
    passing.see()
    second = passing.ask(BEYOND)
    assert second.stamp == passing.stamp
    assert (np.abs(second.torque) <= LIMIT).all() and second.torque.any()
    assert passing.attempts == 1  # it is armed by now


def test_a_command_that_answers_no_recent_state_is_ignored_and_stands_against_arming(passing):
    passing.see(10)
    assert passing.ask(late=1_000_000_000) is None
    assert passing.controller.ignored == 1
    assert (
        "has the stamp 4.100 s and answers no recent joint state, the newest of which has "
        "5.100 s" in passing.controller.ready_to_arm()
    )
    assert passing.ask() is not None
    assert passing.controller.ready_to_arm() == ""


@pytest.mark.parametrize("answered_for", [PERIOD, 1.0])
def test_nothing_is_passed_on_while_the_newest_state_is_too_old(answered_for):
    passing = Passing(answered_for)
    passing.see(10)
    passing.bench.now += 0.029
    assert passing.ask() is not None
    passing.bench.now += 0.002  # 31 ms: beyond three periods
    assert passing.ask() is None


def test_after_a_clock_jump_commands_for_the_states_of_before_are_not_passed_on(passing):
    passing.see(10)
    before = passing.stamp
    passing.controller.leave()
    assert passing.ask() is None and passing.controller.ignored == 0
    passing.stamp = STAMP - 1_000_000_000
    passing.see()
    assert passing.controller.on_command(before, PUSH, passing.bench.now) is None
    assert passing.controller.ignored == 1
    assert passing.ask() is not None


def test_the_rhythm_of_the_commands_and_those_of_no_use_are_shown(passing):
    passing.see(10)
    passing.ask()
    passing.controller.values()
    for _ in range(4):
        passing.see()
        passing.ask()
    passing.ask(late=1_000_000_000)
    passing.controller.rejected += 2
    values = passing.controller.values()
    assert values["commands.ignored"] == 1 and values["commands.rejected"] == 2
    assert values["tick.rate"] == pytest.approx(100.0)  # [1/s]
    assert passing.controller.values()["tick.rate"] == 0.0  # since the last look
