"""What the tests of faults say about a policy node: that it acts, that it is safe."""

from collections.abc import Callable, Iterable, Mapping
from itertools import cycle
from typing import NamedTuple

from sensor_msgs.msg import JointState

from test.processes import Process
from test.ros.fake_robot import PERIOD, Command, FakeRobot

SECOND = 1_000_000_000  # [ns]

LIMITS = (2.0, 1.0)  # [N·m], of reacher2


def act(robot: FakeRobot, node: str = "policy", period: float = PERIOD * 1e-9) -> None:
    """Arm the node, and stream states until its policy acts."""
    call_until_granted(robot, f"{node}/arm")
    acting(robot, node, period)


class Before(NamedTuple):
    """What a node that tests share had counted and said before this test."""

    robot: FakeRobot
    process: Process
    counts: Mapping[str, int]
    words: int

    def grown(self, key: str) -> int:
        """By how much a count has grown on the diagnostics, which are up to a second old."""
        return int(self.robot.status(key)) - self.counts[key]

    @property
    def said(self) -> str:
        """What the node has said since."""
        return self.process.said[self.words :]


_COUNTS = (
    "latches",
    "degradations",
    "late_warnings",
    "joint_states.rejected",
    "joint_states.out_of_time",
)


def begin(shared: tuple[FakeRobot, Process]) -> tuple[FakeRobot, Before]:
    """Bring a node that tests share back to work, whatever the test before has left."""
    robot, process = shared
    robot.clock_offset = 0
    call_until_granted(robot, "policy/reset")  # where nothing is latched it changes nothing
    act(robot)
    robot.statuses.clear()
    robot.stream(lambda: robot.status("state") == "active", "its diagnostics")
    counts = {key: int(robot.status(key)) for key in _COUNTS}
    return robot, Before(robot, process, counts, len(process.said))


def reset(robot: FakeRobot, node: str = "policy") -> None:
    """Reset a latched fault or stop, which leads to DISARMED."""
    assert call_until_granted(robot, f"{node}/reset") == "disarmed"


def call_until_granted(robot: FakeRobot, service: str) -> str:
    """Call a service until it does not refuse; return what it says.

    The states of a busy test come too late now and then, which is reason enough to refuse.
    """
    said = []

    def granted() -> bool:
        response = robot.call(service)
        said.append(response.message)
        assert response.success or "joint state" in response.message, response.message
        return response.success

    robot.stream(granted, f"a kind answer of {service}")
    return said[-1]


def acting(robot: FakeRobot, node: str = "policy", period: float = PERIOD * 1e-9) -> None:
    """Stream states until the policy acts on them, with all of its authority."""
    begin = len(robot.commands)

    def holds() -> bool:
        return robot.status("state", node) == "active" and acts(robot.commands[begin:])

    try:
        robot.stream(holds, "torques of the policy", period=period)
    except AssertionError as error:
        raise AssertionError(f"{error}; it is said: {robot.sentence(node)}") from None


def acts(commands: Iterable[Command]) -> bool:
    """Whether each of the last five torques is one."""
    last = list(commands)[-5:]
    return len(last) == 5 and all(any(command.torque) for command in last)


def assert_quiet_since(robot: FakeRobot, moment: int, least: int = 3) -> None:
    """Expect zero torque alone, at least so often, from a time of the wall clock on [ns]."""
    robot.drain()
    later = [command for command in robot.commands if command.sent > moment]
    assert len(later) >= least, robot.commands[-8:]
    assert not any(any(command.torque) for command in later), later


def assert_within_limits(robot: FakeRobot) -> None:
    """Expect that no torque was ever above the arm's limits, or not a number."""
    for command in robot.commands:
        for torque, limit in zip(command.torque, LIMITS, strict=True):
            assert abs(torque) <= limit, command


class Spoiler:
    """Spoils states of a stream in turn, over and over: one that is lost is not missed."""

    def __init__(self, *ways: Callable[[JointState], object], good: int = 0) -> None:
        """Take what spoils a message, and how many good ones follow before it begins anew."""
        self._turns = cycle([*ways, *[None] * good])
        self.stamps: set[int] = set()
        """The stamps of spoilt states, which nothing may answer [ns]."""

    def __call__(self, message: JointState) -> JointState:
        """Return the message, or a spoilt one."""
        spoil = next(self._turns)
        if spoil is not None:
            due = _stamp(message)
            spoil(message)
            self.stamps |= {due, _stamp(message)}
        return message


def _stamp(message: JointState) -> int:
    return message.header.stamp.sec * SECOND + message.header.stamp.nanosec
