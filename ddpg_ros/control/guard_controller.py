"""The guard between another process's torques and the hardware: which of them pass, and how."""

import time
from collections.abc import Callable

from ddpg_ros.control.controller import Command
from ddpg_ros.control.episodes import EpisodeState
from ddpg_ros.control.rhythm import TickClock
from ddpg_ros.robot.arm import Robot
from ddpg_ros.safety.deadlines import Deadlines
from ddpg_ros.safety.recent_stamps import RecentStamps
from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.types import JointState, Vector


class GuardController:
    """States are kept, and each command that answers a recent one is guarded and passed on."""

    def __init__(
        self, robot: Robot, safety: Safety, deadlines: Deadlines, try_to_arm: Callable[[], None]
    ) -> None:
        """Begin without a state.

        Args:
            robot: the arm.
            safety: guards the commands; watches their silence.
            deadlines: how old the state that a command answers may be.
            try_to_arm: arms if the settings and the arm allow it.
        """
        self.robot = robot
        self.safety = safety
        self._try_to_arm = try_to_arm
        self._rhythm = TickClock(deadlines.period)
        self._recent = RecentStamps(deadlines.degrade)
        self._state: JointState | None = None
        self._commanded_at = time.monotonic()
        self.ignored = 0
        """Commands that answered no recent state."""
        self.rejected = 0
        """Commands that could not be read."""
        self.stray = ""
        """What is wrong with the stamp of the newest command, or nothing."""

    def on_state(self, state: JointState, now: float) -> Command | None:
        """Keep the newest state, and the stamps that a command may answer."""
        self._state = state
        self._recent.add(state.stamp, now)
        return None

    def on_repeated_state(self, state: JointState, now: float) -> Command | None:
        """Return nothing: commands are answered, not states."""
        return None

    def on_command(self, stamp: int, torque: Vector, now: float) -> Command | None:
        """Return what is to be sent for a command.

        Args:
            stamp: of the state that it answers [ns].
            torque: (n,) [N·m].
            now: when it came [s].
        """
        state = self._state
        if state is None:
            return None
        if not self._recent.answered_by(stamp, now):
            self._ignore(stamp, state.stamp)
            return None
        self.stray = ""
        dt, self._commanded_at = now - self._commanded_at, now
        self._rhythm.add(dt)
        self.safety.commanded(now)
        if self.safety.state_is_stale(now):
            return None
        if not self.safety.armed:
            self._try_to_arm()
        return Command(stamp, self.safety.apply(torque, state.position, state.velocity, dt))

    def _ignore(self, stamp: int, newest: int) -> None:
        self.ignored += 1
        self.stray = (
            f"a command on joint_command has the stamp {1e-9 * stamp:.3f} s and answers no recent "
            f"joint state, the newest of which has {1e-9 * newest:.3f} s; its header.stamp must "
            "be that of the state that it answers."
        )

    def after_answer(self) -> EpisodeState:
        """Go on: the guard has no end."""
        return EpisodeState.RUNNING

    def leave(self) -> str:
        """Forget the states of before."""
        self._state = None
        self._recent.clear()
        return "commands that answer earlier states are ignored"

    def ready_to_arm(self) -> str:
        """Return what is wrong with the commands' stamps, or nothing."""
        return self.stray

    def on_timer(self, now: float) -> None:
        """Do nothing: the watchdog looks at the clock."""

    def values(self) -> dict[str, object]:
        """Return the rhythm of the commands, and how many were of no use."""
        rhythm = {f"tick.{name}": value for name, value in self._rhythm.take()._asdict().items()}
        return rhythm | {
            "commands.rejected": self.rejected,
            "commands.ignored": self.ignored,
        }
