"""The control loop as a node: joint states in, torques out.

This file only carries messages; what happens between a state and its torque stands in
`control/loop.py`, whether the policy may act in `control/safety.py`, and what an experiment
consists of in `session.py`.
"""

import time
from abc import abstractmethod
from contextlib import ExitStack

from ddpg_ros.control.decimator import Decimator
from ddpg_ros.control.loop import Tick
from ddpg_ros.robot.arm import Robot
from ddpg_ros.ros.interface.reset_client import ResetClient
from ddpg_ros.ros.nodes.safe_node import SafeNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.types import JointState

_ABSENCE = 5.0  # [s] without a learner, after which the policy is held back


class ControlNode(SafeNode):
    """Joint states → `ArmSession.tick` → joint commands; a reset between episodes."""

    def __init__(self, name: str, arguments: Arguments, realtime: bool | None = None) -> None:
        """Read the parameters; see `SafeNode`."""
        super().__init__(name, arguments, "joint_command", realtime)

    @abstractmethod
    def make_session(self) -> ArmSession:
        """Return what is to be run."""

    def close_session(self) -> None:
        """End what `make_session` began."""

    def report(self, tick: Tick) -> None:
        """Hear of a finished episode."""

    def announce_goal(self) -> None:
        """Hear that an episode was asked for, whose goal is the experiment's."""

    def build(self, stack: ExitStack) -> tuple[Robot, Safety]:
        """Build the experiment."""
        self.session = self.make_session()
        stack.callback(self.close_session)
        self._period = self.config.control.period
        self._decimator = Decimator(self._period)
        self._running = False  # between the first state of an episode and its end
        self._asked = False  # for an episode, whose first state has not come
        self._ticked_at = time.monotonic()
        return self.session.robot, self.session.safety

    def connect(self, stack: ExitStack) -> None:
        """Find the service that begins an episode."""
        self._reset = ResetClient(self, self.config.control.reset_service, self._on_reset)
        stack.callback(self._reset.close)
        self.hurry(stack, self._reset.client)

    def deactivate(self) -> None:
        """Leave the episode, disarm and bring the torque to zero."""
        super().deactivate()
        self._leave_episode()

    def on_state(self, state: JointState, clock_jumped: bool) -> None:
        """Answer the states that are due."""
        if clock_jumped:
            self.get_logger().warning("the clock jumped; the open episode is discarded")
            self._leave_episode()
            self._decimator.reset()
        if self._asked:
            self.admission.forget()  # the arm may be placed before we hear of it
        if not self.active:
            return
        if self._decimator.due(state.stamp):
            self._answer(state)
        else:
            self.safety.pass_over()

    def on_repeated_state(self, state: JointState) -> None:
        """In lock-step a state comes again where its answer is missing, or was lost."""
        if self.realtime or not self.active:
            return
        if state.stamp == self.answered and self.safety.armed:
            self.commands.send_again()
        elif not (self._running and self.safety.armed):
            self._answer(state)

    def _answer(self, state: JointState) -> None:
        now = time.monotonic()
        dt = now - self._ticked_at if self.realtime else self._period
        self._ticked_at = now
        if not self.safety.armed:
            self._leave_episode()
            self.arm_by_itself()
        if self.safety.armed and self._in_episode(state):
            self._tick(state, dt)
        elif self.realtime or (not self.safety.armed and self.session.ready):
            self.send(self.safety.rest(state, dt), state.stamp)

    def _tick(self, state: JointState, dt: float) -> None:
        tick = self.session.tick(state, dt)
        if not tick.over:
            self.send(tick.torque, state.stamp)
            return
        if self.realtime:
            self.send(self.safety.rest(state, dt), state.stamp)
        self.report(tick)
        self._running = False
        self._ask_for_episode(state)

    def _in_episode(self, state: JointState) -> bool:
        """Whether a state belongs to an episode; one is asked for where none is."""
        if not (self._running or self._asked):
            self._ask_for_episode(state)
        first = self._reset.first_stamp
        if self._asked and first is not None and state.stamp >= first:
            self._asked, self._running = False, True
        return self._running

    def _ask_for_episode(self, state: JointState) -> None:
        if self.realtime and self.session.trained:
            self.safety.disarm()  # the learner takes a moment to end
            self.finished = not self.session.end_training()
            return
        if not self.session.next_episode(state):
            self.finished = True
            return
        self._asked = True
        self.announce_goal()
        self.admission.forget()
        self._reset.request(state.stamp)

    def _on_reset(self) -> None:
        """Answer the first state after a reset where it came before the word of it."""
        first, state = self._reset.first_stamp, self.topics.newest
        if not (self.active and self._asked) or first is None or state is None:
            return
        if state.stamp >= first:
            self._decimator.reset()
            self._decimator.due(state.stamp)
            self._ticked_at = time.monotonic() - self._period
            self._answer(state)

    def _leave_episode(self) -> None:
        if self._running or self._asked:
            self._running = self._asked = False
            self._reset.cancel()
            self.session.abandon_episode()

    def obstacle(self) -> str:
        """A learner without weights stands against arming."""
        return "" if self.session.ready else "the learner has not given its first weights yet."

    def on_timer(self) -> None:
        """Look after the learner and a reset that was not answered."""
        self.session.check()
        absent = self.session.learner_absent_for(time.monotonic())
        self.safety.withhold(f"no learner for {absent:.0f} s" if absent > _ABSENCE else "")
        self._reset.poll()

    def values(self) -> dict[str, object]:
        """Return what the experiment says of itself."""
        return self.session.values()
