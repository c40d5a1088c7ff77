"""How far a run is, in one small file that a progress bar reads; it is whole at every moment."""

import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ddpg_ros.types import Episode

_EVERY = 0.25  # [s] between writes
_WINDOW = 20  # [episodes] of a training's means


@dataclass(frozen=True)
class RunStatus:
    """How far a run is."""

    phase: Literal["training", "evaluation"]
    episodes: int  # of this phase, finished; those before a worker's restart not included
    mean_return: float | None = None  # of a training's last 20 episodes, or of all evaluated ones
    success_rate: float | None = None  # of the same; None if the episodes do not know success
    step: int = 0
    updates: int = 0
    compiling: bool = False  # the training waits for the compiled update, which is being made


class StatusFile:
    """Keeps the file current, at most four times a second; a write that fails is left out."""

    def __init__(self, path: Path, phase: Literal["training", "evaluation"]) -> None:
        """Take the file, which the first `write` makes."""
        self._path, self._phase = path, phase
        self._count = 0
        self._recent: deque[Episode] = deque(maxlen=_WINDOW if phase == "training" else None)
        self._due_at = time.monotonic()
        self._written: RunStatus | None = None

    def add(self, episode: Episode) -> None:
        """Count a finished episode."""
        self._count += 1
        self._recent.append(episode)

    @property
    def due(self) -> bool:
        """Whether the last write is so long ago that it is time for the next."""
        return time.monotonic() >= self._due_at

    def write(self, step: int = 0, updates: int = 0, compiling: bool = False) -> None:
        """Write how far the run is; a full disk changes nothing."""
        recent = self._recent
        mean = sum(e.episode_return for e in recent) / len(recent) if recent else None
        knows = bool(recent) and bool(recent[-1].terms)
        rate = sum(e.success for e in recent) / len(recent) if knows else None
        status = RunStatus(self._phase, self._count, mean, rate, step, updates, compiling)
        if status != self._written:
            self._written = status if self._replace(json.dumps(asdict(status))) else None
        self._due_at = time.monotonic() + _EVERY

    def _replace(self, content: str) -> bool:
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text(content, encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            return False
        return True


def read_status(path: Path) -> RunStatus | None:
    """Return how far a run is; None if the file is not there yet, or is not one."""
    try:
        return RunStatus(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
