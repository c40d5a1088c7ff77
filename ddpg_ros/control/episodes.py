"""Where a run stands: between two episodes, before one, in one, or at its end.

    IDLE ──ask──▶ RESETTING ──first state──▶ RUNNING
     ▲ ◀──leave──────┴──────leave, end──────────┘
     └──finish──▶ DONE

An episode begins with a state, not with the request for it: the arm is placed first, and states
from before that are still on their way.
"""

import enum


class EpisodeState(enum.Enum):
    """See the module."""

    IDLE = "idle"  # nothing runs, and nothing was asked for
    RESETTING = "resetting"  # an episode was asked for; its first state has not come
    RUNNING = "running"  # between the first state of an episode and its end
    DONE = "done"  # nothing is left to run


class Episodes:
    """The episode state of a run, and which state is the first of an episode."""

    def __init__(self) -> None:
        """Begin idle."""
        self.state = EpisodeState.IDLE
        """The present one; only the methods change it."""
        self._first_stamp: int | None = None  # [ns]; None until the arm is placed

    def ask(self, first_stamp: int | None = None) -> None:
        """Go from IDLE to RESETTING.

        Args:
            first_stamp: of the first state that may belong to the episode [ns]; None: `place`
                says it later.

        Raises:
            ValueError: an episode was asked for already, or nothing is left to run.
        """
        self._require(EpisodeState.IDLE, "ask")
        self.state, self._first_stamp = EpisodeState.RESETTING, first_stamp

    def place(self, first_stamp: int) -> None:
        """Record that the arm is placed; the first state after that has this stamp [ns].

        Raises:
            ValueError: nothing was asked for.
        """
        self._require(EpisodeState.RESETTING, "place")
        self._first_stamp = first_stamp

    def admit(self, stamp: int) -> bool:
        """Return whether the state of a stamp [ns] belongs to an episode; the first begins it."""
        if self.state is EpisodeState.RESETTING:
            first = self._first_stamp
            if first is not None and stamp >= first:
                self.state = EpisodeState.RUNNING
        return self.state is EpisodeState.RUNNING

    def end(self) -> None:
        """Go from RUNNING to IDLE.

        Raises:
            ValueError: no episode runs.
        """
        self._require(EpisodeState.RUNNING, "end")
        self.state = EpisodeState.IDLE

    def leave(self) -> bool:
        """Go to IDLE from the middle of an episode, or from before one.

        Returns:
            False if there was none to leave.
        """
        if self.state not in (EpisodeState.RESETTING, EpisodeState.RUNNING):
            return False
        self.state = EpisodeState.IDLE
        return True

    def finish(self) -> None:
        """Go from IDLE to DONE, for good.

        Raises:
            ValueError: an episode runs, or was asked for.
        """
        self._require(EpisodeState.IDLE, "finish")
        self.state = EpisodeState.DONE

    def _require(self, state: EpisodeState, call: str) -> None:
        if self.state is not state:
            raise ValueError(f"{call} is for {state.value}, and the run is {self.state.value}.")
