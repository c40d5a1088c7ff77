"""summary.json: what a run came to."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ddpg_ros.config.run_directory import SUMMARY
from ddpg_ros.config.settings import Value
from ddpg_ros.files.last_resort import LAST_TRIES, keep
from ddpg_ros.files.sealed import write_whole
from ddpg_ros.training.evaluation_phase import EvaluationPhase
from ddpg_ros.training.training_phase import TrainingPhase


@dataclass(frozen=True)
class Summary:
    """The results of a run; None if there is nothing to report."""

    task: str  # or the Gymnasium environment
    config: dict[str, Value]
    seed: int
    interrupted: bool
    steps: int
    episodes: int
    updates: int
    train_wall_s: float  # [s] from the first step to the last
    steps_per_s: float
    updates_per_s: float
    eval_episodes: int
    eval_steps_per_s: float
    success_rate: float | None  # share of the greedy episodes, [0, 1]
    mean_return: float | None
    std_return: float | None
    rejected_states: int
    dropped_transitions: int
    missed_deadlines: int
    guard: dict[str, int]  # on how many torques each stage of the guard acted
    policy: str | None
    algorithm: str = "DDPG"

    @classmethod
    def of(
        cls,
        config: dict[str, Value],
        training: TrainingPhase | None,
        evaluation: EvaluationPhase | None,
        *,
        rejected_states: int = 0,
        missed_deadlines: int = 0,
        guard: dict[str, int] | None = None,
        interrupted: bool = False,
        environment: str = "",
        judged: bool = True,
    ) -> "Summary":
        """Summarise a training, if there was one, and the evaluation after it.

        `judged` says whether the episodes know success; a Gymnasium environment rarely does.
        """
        episodes = evaluation.episodes if evaluation else []
        knows = judged and bool(episodes)
        returns = np.array([episode.episode_return for episode in episodes])
        wall = training.wall_s if training else 0.0
        steps, updates = (training.actor.steps, training.updates) if training else (0, 0)
        steps_before, updates_before = training.before if training else (0, 0)
        return cls(
            task=environment or str(config["task.name"]),
            config=config,
            seed=int(str(config["run.seed"])),
            interrupted=interrupted,
            steps=steps,
            episodes=training.actor.episodes if training else 0,
            updates=updates,
            train_wall_s=wall,
            steps_per_s=(steps - steps_before) / wall if wall else 0.0,
            updates_per_s=(updates - updates_before) / wall if wall else 0.0,
            eval_episodes=len(episodes),
            eval_steps_per_s=evaluation.steps_per_s if evaluation else 0.0,
            success_rate=float(np.mean([e.success for e in episodes])) if knows else None,
            mean_return=float(returns.mean()) if episodes else None,
            std_return=float(returns.std()) if episodes else None,
            rejected_states=rejected_states,
            dropped_transitions=training.dropped if training else 0,
            missed_deadlines=missed_deadlines,
            guard=guard or {},
            policy=str(training.policy_path) if training and training.policy_path else None,
        )

    def sentence(self) -> str:
        """Return the results in one line."""
        parts = []
        if self.steps and not self.steps_per_s:
            parts.append(f"{self.steps} steps and {self.updates} updates by an earlier process")
        elif self.steps:
            parts.append(
                f"{self.steps} steps and {self.updates} updates in {self.train_wall_s:.1f} s "
                f"({self.steps_per_s:.0f} steps/s)"
            )
        elif self.updates:
            parts.append(f"{self.updates} updates in {self.train_wall_s:.1f} s, without an arm")
        if self.mean_return is not None:
            success = "" if self.success_rate is None else f", success {self.success_rate:.0%}"
            parts.append(
                f"{self.eval_episodes} greedy episodes: return {self.mean_return:.2f} ± "
                f"{self.std_return:.2f}{success}"
            )
        return "; ".join(parts or ["nothing was learnt or run"]) + "."

    def save(self, run_dir: Path, patience: float = LAST_TRIES) -> str:
        """Write summary.json; see `last_resort.keep` for `patience`.

        A training that was stopped before it had a policy has none, and leaves no directory.

        Returns:
            Why the file is not in its place, and where it is, or nothing.
        """
        done = self.steps or self.updates or self.eval_episodes or self.policy
        if self.interrupted and not done and not self.config.get("run.policy"):
            return ""
        content = json.dumps(asdict(self), indent=2).encode() + b"\n"
        return keep(run_dir / SUMMARY, lambda place: write_whole(place, content), patience)[1]
