"""The evaluation: greedy episodes of a frozen policy, one row of evaluation.csv each."""

import csv
import io
import time
from pathlib import Path

from ddpg_ros.config.run_directory import EVALUATION, STATUS
from ddpg_ros.control.actor import GreedyActor
from ddpg_ros.control.policy import Policy
from ddpg_ros.files.appended import AppendedFile
from ddpg_ros.files.status import StatusFile
from ddpg_ros.types import Episode


class EvaluationPhase:
    """Counts and keeps greedy episodes, and measures how fast they run."""

    name = "greedy"
    steps_left = None

    def __init__(self, policy: Policy, run_dir: Path | None, count: int | None) -> None:
        """Begin the file of results.

        Args:
            policy: what to run.
            run_dir: where evaluation.csv goes; None writes none.
            count: episodes to run; None runs on and keeps nothing.
        """
        self.actor = GreedyActor(policy.actor)
        self._count = count
        self._updates, self._frozen_at = policy.about.updates, time.monotonic()
        self._clock_began: float | None = None  # [s], monotonic
        self.episodes: list[Episode] = []
        self.steps_per_s = 0.0
        """Steps over wall time since `start_clock`."""
        self._file: AppendedFile | None = None
        self._status: StatusFile | None = None
        if run_dir is not None:
            self._status = StatusFile(run_dir / STATUS, "evaluation")
            self._file = AppendedFile(run_dir / EVALUATION)
            self._file.append(_line("episode", "return", "length", "success"))

    @property
    def is_done(self) -> bool:
        """Whether enough episodes have ended."""
        return self._count is not None and len(self.episodes) >= self._count

    @property
    def progress(self) -> str:
        """How many episodes have ended."""
        return f"greedy episode {len(self.episodes)} of {self._count}"

    def start_clock(self) -> None:
        """Record that the first state is there; later calls do nothing."""
        if self._clock_began is None:
            self._clock_began = time.monotonic()

    def record(self, episode: Episode) -> None:
        """Keep a finished episode."""
        if self._count is None:
            return
        self.episodes.append(episode)
        if self._clock_began is not None:
            steps = sum(past.length for past in self.episodes)
            self.steps_per_s = steps / (time.monotonic() - self._clock_began)
        if self._file is not None:
            row = (len(self.episodes), episode.episode_return, episode.length)
            self._file.append(_line(*row, int(episode.success)))
        if self._status is not None:
            self._status.add(episode)
            if self._status.due or self.is_done:
                self._status.write()

    def values(self) -> dict[str, object]:
        """Return how much the policy has learnt, and since when it is frozen [s]."""
        return {
            "policy.updates": self._updates,
            "policy.age_s": time.monotonic() - self._frozen_at,
        }

    def close(self) -> str:
        """Close the file; a second call does nothing.

        Returns:
            Why the file is not whole, and where there is one that is, or nothing.
        """
        file, self._file = self._file, None
        return "" if file is None else file.close()


def _line(*fields: object) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().encode()
