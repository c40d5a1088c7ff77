"""What the agent can tell of its learner: how it is, and what came of a request to save."""

from typing import NamedTuple

from ddpg_ros.worker.handle import WorkerHandle
from ddpg_ros.worker.messages import Saved
from ddpg_ros.worker.supervision import State


class WorkerHealth(NamedTuple):
    """How a learner is."""

    state: State
    heartbeat_age: float  # [s] since its last sign of life
    restarts: int
    version: int  # of the newest weights
    updates: int
    replay_fill: int  # [transitions]
    dropped: int  # [transitions]


class SaveRequest:
    """A request to save, on its way."""

    def __init__(self, life: WorkerHandle, number: int, asked: bool, hear: bool) -> None:
        """Take note of whom was asked what.

        Args:
            life: which learner.
            number: of the request.
            asked: whether it could be told.
            hear: listen to it at each look, as nobody else does.
        """
        self._life, self._number, self._asked, self._hear = life, number, asked, hear

    @property
    def answer(self) -> Saved | None:
        """What came of it; None while it is not known. Only an answer without error is success."""
        if not self._asked:
            return Saved(self._number, "there is no learner at present")
        alive = self._life.alive  # before its words: it ends after them
        if self._hear:
            self._life.hear()
        saved = self._life.saved
        if saved is not None and saved.number >= self._number:
            return saved
        return None if alive else Saved(self._number, "the learner ended before it had saved")
