"""An arm that the test moves by the wall clock, before an operator."""

import time

from sensor_msgs.msg import JointState

from test.ros.fake_robot import JOINTS, PERIOD
from test.ros.onlooker import Onlooker

INSIDE = (1.0, 1.3)  # [rad], of the soft limits of reacher2
STILL = (0.0, 0.0)
EVERY = 0.02  # [s] between states


class Arm:
    """The fake robot by the wall clock: a state every 20 ms, whatever else is waited for."""

    def __init__(self, robot):
        self.robot, self.position, self.velocity = robot, INSIDE, STILL
        self.onlooker = Onlooker(robot=robot)
        self.onlooker.turn = self.turn
        self.start, self.due = time.monotonic(), 0.0
        self.stopped = False
        self.noise = 1e-12  # [rad]; no two measurements are the same
        self.orders = []  # publishers, each with the torque that goes out with every state [N·m]

    @property
    def commands(self):
        return self.robot.commands

    def turn(self):
        now = time.monotonic()
        if now >= self.due and not self.stopped:
            self.due = now + EVERY
            message = self.robot.message(int(1e9 * (now - self.start)) + PERIOD)
            self.noise = -self.noise
            message.position = [angle + self.noise for angle in self.position]
            message.velocity = self.velocity
            self.robot.publish(message)
            for commands, torque in self.orders:
                order = JointState(header=message.header, name=list(JOINTS), effort=list(torque))
                commands.publish(order)
        self.robot.turn()

    def until(self, condition, what):
        self.onlooker.until(condition, what)

    def commands_more(self, count):
        """Wait for so many more commands, and return them."""
        before = len(self.commands)
        self.until(lambda: len(self.commands) >= before + count, f"{count} more commands")
        return self.commands[before:]

    def move_to(self, position):
        """Go there, no faster than the arm may, a step with each state."""
        while self.position != position:
            if time.monotonic() < self.due:
                self.turn()
                continue
            ways = [there - here for here, there in zip(self.position, position, strict=True)]
            steps = [max(-0.05, min(0.05, way)) for way in ways]
            near = all(abs(way) <= 0.05 for way in ways)
            moved = [here + step for here, step in zip(self.position, steps, strict=True)]
            self.position = position if near else tuple(moved)
            self.turn()

    def trigger(self, service, node="policy"):
        return self.onlooker.trigger(f"{node}/{service}")

    def arm(self):
        """Arm as soon as that is possible: states must be fresh, and ten in a row."""
        self.until(lambda: self.trigger("arm").success, "permission to arm")

    def refused(self, why):
        """Ask to arm until it is refused for a reason; return the sentence.

        A state that is late is a reason, too.
        """
        said = []

        def refused():
            said.append(self.refusal())
            return why in said[-1]

        self.until(refused, why)
        return said[-1]

    def refusal(self):
        answer = self.trigger("arm")
        assert not answer.success
        return answer.message
