"""A safety of a two-joint arm for tests, with a clock of its own."""

import numpy as np

from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.safety.deadlines import Deadlines
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.state_machine import Mode, Safety
from ddpg_ros.types import JointState
from test.dotted import dotted

PERIOD = 0.01  # [s]
INSIDE, AT_REST = np.array([0.0, 1.3]), np.zeros(2)
LIMIT = np.array([2.0, 1.0])  # [N·m], of reacher2
PUSH = np.array([0.5, 0.5])  # [N·m]


class Bench:
    """A safety with a clock of its own, and states that come when they should."""

    def __init__(self, watches_commands=False, arm=None, **changes):
        given = {
            f"safety__{key}": value for key, value in ({"ramp_seconds": 0.0} | changes).items()
        }
        config = Config().with_parameters(
            dotted(control__period=PERIOD, sim__physics_timestep=PERIOD, **given, **(arm or {}))
        )
        guard = Guard.of(Robot.of(config), config)
        deadlines = Deadlines.of(PERIOD, config.safety.latch_after)
        self.safety = Safety(guard, config.safety, deadlines, watches_commands)
        self.now = 100.0
        self.position, self.velocity = INSIDE, AT_REST

    def pass_time(self, seconds):
        self.now += seconds
        return self.safety.watch(self.now)

    def hear(self, count=1):
        for _ in range(count):
            self.now += PERIOD
            self.safety.heard(JointState(1, self.position, self.velocity), self.now)

    def ask(self, torque=PUSH):
        """Let the policy ask for a torque with each state; return what is sent."""
        self.hear()
        sent = self.safety.apply(torque, self.position, self.velocity, PERIOD)
        return sent.tolist()

    def arm(self, **how):
        self.hear(10)
        self.safety.commanded(self.now)
        self.safety.arm(self.now, **how)

    def activate(self):
        self.arm()
        self.ask()
        assert self.safety.mode is Mode.ACTIVE
