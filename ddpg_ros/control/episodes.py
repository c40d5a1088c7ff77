"""Where a run stands: between two episodes, before one, in one, or at its end.

    IDLE ──ask──▶ RESETTING ──first state──▶ RUNNING
     ▲ ◀──leave──────┴──────leave, end──────────┘
     └──finish──▶ DONE

An episode begins with a state, not with the request for it: the arm is placed first, and states
from before that are still on their way.
"""

import enum


class Phase(enum.Enum):
    """See the module."""

    IDLE = "idle"  # nothing runs, and nothing was asked for
    RESETTING = "resetting"  # an episode was asked for; its first state has not come
    RUNNING = "running"  # between the first state of an episode and its end
    DONE = "done"  # nothing is left to run


class Episodes:
    """The phase of a run, and which state is the first of an episode."""

    def __init__(self) -> None:
        """Begin idle."""
        self.phase = Phase.IDLE
        """The present phase; only the methods change it."""
        self._first_stamp: int | None = None  # [ns]; None until the arm is placed

    def ask(self, first_stamp: int | None = None) -> None:
        """Go from IDLE to RESETTING.

        Args:
            first_stamp: of the first state that may belong to the episode [ns]; None: `place`
                says it later.

        Raises:
            ValueError: an episode was asked for already, or nothing is left to run.
        """
        self._require(Phase.IDLE, "ask")
        self.phase, self._first_stamp = Phase.RESETTING, first_stamp

    def place(self, first_stamp: int) -> None:
        """Record that the arm is placed; the first state after that has this stamp [ns].

        Raises:
            ValueError: nothing was asked for.
        """
        self._require(Phase.RESETTING, "place")
        self._first_stamp = first_stamp

    def admit(self, stamp: int) -> bool:
        """Return whether the state of a stamp [ns] belongs to an episode; the first begins it."""
        if self.phase is Phase.RESETTING:
            first = self._first_stamp
            if first is not None and stamp >= first:
                self.phase = Phase.RUNNING
        return self.phase is Phase.RUNNING

    def end(self) -> None:
        """Go from RUNNING to IDLE.

        Raises:
            ValueError: no episode runs.
        """
        self._require(Phase.RUNNING, "end")
        self.phase = Phase.IDLE

    def leave(self) -> bool:
        """Go to IDLE from the middle of an episode, or from before one.

        Returns:
            False if there was none to leave.
        """
        if self.phase not in (Phase.RESETTING, Phase.RUNNING):
            return False
        self.phase = Phase.IDLE
        return True

    def finish(self) -> None:
        """Go from IDLE to DONE, for good.

        Raises:
            ValueError: an episode runs, or was asked for.
        """
        self._require(Phase.IDLE, "finish")
        self.phase = Phase.DONE

    def _require(self, phase: Phase, call: str) -> None:
        if self.phase is not phase:
            raise ValueError(f"{call} is for {phase.value}, and the run is {self.phase.value}.")
