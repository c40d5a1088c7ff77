"""A session's episodes on one arm: which states it answers, with what, and when an episode begins.

No ROS in it; what happens between a state and its torque stands in `control/loop.py`, whether the
policy may act in `safety/state_machine.py`, and what a session consists of in `session.py`.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ddpg_ros.control.controller import Command
from ddpg_ros.control.decimator import Decimator
from ddpg_ros.control.episodes import Episodes, EpisodeState
from ddpg_ros.control.loop import Tick
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.types import Episode, JointState, Vector

_LOG = logging.getLogger(__name__)

_ABSENCE = 5.0  # [s] without a learner, after which the policy is held back


class Resets(Protocol):
    """Places the arm for a new episode; `SessionController.on_placed` gets the answer."""

    def request(self) -> None:
        """Ask for it, again and again until there is an answer."""

    def cancel(self) -> None:
        """Ask no more; what is on its way is not answered any longer."""


class Trace(Protocol):
    """Takes every step of every episode, for recordings."""

    def unheard(self) -> str:
        """Say that nobody records yet; empty once somebody does, or after a while."""

    def begin(self, phase: str) -> None:
        """Record that an episode begins."""

    def record(self, state: JointState, requested: Vector | None, goal: Vector) -> None:
        """Record a step.

        Args:
            state: that the control loop saw.
            requested: the torque before the guard, (n,) [N·m]; None ends the episode.
            goal: of the task, at this step, as `GoalKind.numbers`.
        """


class SessionController:
    """Joint states → `Session.tick` → commands; a reset between episodes."""

    def __init__(
        self,
        session: ArmSession,
        realtime: bool,
        try_to_arm: Callable[[], None],
        resets: Resets | None = None,
        announce: Callable[[Any], None] = lambda goal: None,
        ended: Callable[[Episode], None] = lambda episode: None,
        trace: Trace | None = None,
    ) -> None:
        """Begin before the first episode.

        Args:
            session: what is run.
            realtime: time goes on without our answers; not so in lock-step.
            try_to_arm: arms if the settings and the arm allow it.
            resets: what places the arm; None: an episode goes on from where the arm stands.
            announce: called with the goal when an episode is asked for, and with every other
                one that takes its place.
            ended: called with the result of each episode.
            trace: takes every step, once its torque is out; None if nothing is recorded.
        """
        self.session = session
        self.robot = session.robot
        self.safety = session.safety
        self._realtime = realtime
        self._try_to_arm = try_to_arm
        self._resets = resets
        self._announce, self._on_ended, self._trace = announce, ended, trace
        self._announced: Any = None
        self._period = session.config.control.period
        self._decimator = Decimator(self._period)
        self._episodes = Episodes()
        self._newest: JointState | None = None
        self._answered: JointState | None = None  # `after_answer` has not seen to it yet
        self._ended: Episode | None = None  # with that state
        self._tick: Tick | None = None  # what came of it, if it belonged to an episode
        self._ticked_at = time.monotonic()

    def on_state(self, state: JointState, now: float) -> Command | None:
        """Answer the states that are due."""
        self._newest = state
        if self._decimator.due(state.stamp):
            return self._answer(state, now)
        self.safety.pass_over()
        return None

    def on_repeated_state(self, state: JointState, now: float) -> Command | None:
        """Answer a state that belongs to no episode: its answer is missing."""
        if self._episodes.state is EpisodeState.RUNNING and self.safety.armed:
            return None
        return self._answer(state, now)

    def on_placed(self, first_stamp: int, now: float) -> Command | None:
        """Record that the arm is placed, and the stamp of the first state after that [ns].

        Returns:
            The answer to that state, if it came before the word of it.
        """
        self._episodes.place(first_stamp)
        state = self._newest
        if state is None or state.stamp < first_stamp:
            return None
        self._decimator.reset()
        self._decimator.due(state.stamp)
        self._ticked_at = now - self._period
        return self._answer(state, now)

    def _answer(self, state: JointState, now: float) -> Command | None:
        dt = now - self._ticked_at if self._realtime else self._period
        self._ticked_at = now
        self._answered = state
        if not self.safety.armed:
            self._leave_episode()
            self._try_to_arm()
        armed = self.safety.armed
        if armed and self._episodes.admit(state.stamp):
            tick = self._tick = self.session.tick(state, dt)
            if not tick.over:
                return Command(state.stamp, tick.torque)
            self._episodes.end()
            self._ended = tick.episode
        if not self._realtime and (armed or not self.session.ready):
            return None  # time stands until the arm is placed, or the learner is there
        return Command(state.stamp, self.safety.rest(state, dt))

    def after_answer(self) -> EpisodeState:
        """Report an episode that has ended, and ask for one if there is none."""
        state, self._answered = self._answered, None
        if state is not None:
            if self._tick is not None:
                tick, self._tick = self._tick, None
                if self._trace is not None:
                    goal = self.session.goals.numbers(self._goal())
                    self._trace.record(state, tick.requested, goal)
            if self._ended is not None:
                episode, self._ended = self._ended, None
                self._on_ended(episode)
            if self._episodes.state is EpisodeState.IDLE and self.safety.armed:
                self._ask_for_episode(state)
            elif not _same(self.session.goal, self._announced):
                self._announce_goal()
        return self._episodes.state

    def _ask_for_episode(self, state: JointState) -> None:
        if self._realtime and self.session.trained:
            self.safety.disarm()  # the learner takes a moment to end
            if not self.session.end_training():
                self._episodes.finish()
            elif not self.session.config.safety.auto_arm:
                _LOG.warning(
                    "the training is over, and the arm is disarmed: call ~/arm once more for the "
                    "%d greedy episodes of run.eval_episodes",
                    self.session.config.run.eval_episodes,
                )
        elif not self.session.next_episode(state):
            self._episodes.finish()
        else:
            self._episodes.ask(state.stamp + 1 if self._resets is None else None)
            if self._trace is not None:
                self._trace.begin(self.session.phase.name)
            self._announce_goal()
            if self._resets is not None:
                self._resets.request()

    def _announce_goal(self) -> None:
        self._announced = self._goal()
        if self._announced is not None:
            self._announce(self._announced)

    def _goal(self) -> Any:
        """Return the goal; another than the one announced is looked at first."""
        if not _same(self.session.goal, self._announced):
            self.session.check_goal()
        return self.session.goal

    def leave(self) -> str:
        """Leave the episode; the next state is due, whenever it comes."""
        self._leave_episode()
        self._decimator.reset()
        return "the open episode is discarded"

    def _leave_episode(self) -> None:
        if self._episodes.leave():
            if self._resets is not None:
                self._resets.cancel()
            self.session.abandon_episode()

    def ready_to_arm(self) -> str:
        """Say what stands against arming; in lock-step, that nobody records yet, for a while."""
        if not self.session.ready:
            return "the learner has not given its first weights yet, or still learns offline."
        return "" if self._realtime or self._trace is None else self._trace.unheard()

    def on_timer(self, now: float) -> None:
        """Look after the learner; hold the policy back while it has been away for long."""
        self.session.check()
        absent = self.session.learner_absent_for(now)
        self.safety.withhold(f"no learner for {absent:.0f} s" if absent > _ABSENCE else "")

    def values(self) -> dict[str, object]:
        """Return the session's values for `/diagnostics`."""
        return self.session.values()


def _same(one: Any, other: Any) -> bool:
    arrays = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return one is other or (arrays and np.array_equal(one, other))
