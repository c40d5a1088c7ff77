"""What a warm start brings: `python -m benchmarks.warm_start [--seeds 0 1 2]`.

The two-link arm learns to reach goals in the middle half of its joints' range, without a payload.
Then goals are anywhere and the tip carries a payload, and it learns that in half as many steps:
from nothing, with what `run.init_from` takes of the run, or of its policy file. Learner, actor,
files and physics are those of `ddpg-ros train` in lock-step, in one process without topics. Writes
`results/warm_start.json` after each seed; seeds that are not run stay.
"""

import argparse
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.algo.learner import Learner
from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import Config, Value
from ddpg_ros.control.mlp import MlpActor
from ddpg_ros.files.unused import CONFIG
from ddpg_ros.training.earlier import earlier_of, keep_earlier
from ddpg_ros.training.learning_actor import LearningActor
from ddpg_ros.training.seeds import ACTOR_STREAM, EVALUATION_STREAM, RESET_STREAM, stream
from ddpg_ros.types import Episode, Experience, RecordLayout, Transition, Vector32
from ddpg_ros.worker.metrics_log import NOTHING, MetricsLog
from ddpg_ros.worker.saving import Course, RunSaver
from ddpg_ros.worker.warm_start_file import warm_start_of
from sim.gym_env import ArmEnv

RESULTS = Path(__file__).resolve().parent / "results"
EARLIER_STEPS, STEPS, EPISODES = 6_000, 3_000, 50
EARLIER: dict[str, Value] = {"task.goal_range": 0.5}
NEW: dict[str, Value] = {"task.goal_range": 1.0, "robot.payload_mass": 0.1}
POLICY, RUN = "policy.safetensors", ""
WAYS: dict[str, tuple[str | None, dict[str, Value]]] = {
    "from nothing": (None, {}),
    "run": (RUN, {}),
    "run, networks alone": (RUN, {"learner.earlier_share": 0.0}),
    "policy": (POLICY, {}),
    "policy, critic_first 0": (POLICY, {"learner.critic_first": 0}),
}


class InProcess:
    """A training whose updates are done as soon as they are due: what its worker would do."""

    absent = False

    def __init__(self, config: Config, folder: Path) -> None:
        """Begin a run in a folder, with what `run.init_from` names."""
        robot, task, _ = build_arm(config)
        about = policy_about(config, robot, task)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).touch()
        keep_earlier(earlier_of(config, about, folder), folder)
        self._config, self._sizes, self._folder = config, about.sizes, folder
        self._layout = RecordLayout(about.sizes[0], about.sizes[-1])
        warm = warm_start_of(config, folder)
        self._learner = Learner(config.learner, self._layout, config.run.seed, warm=warm)
        endpoint = SimpleNamespace(config=config, layout=self._layout, run_dir=folder, about=about)
        self._saver = RunSaver(cast(Any, endpoint))
        rng = stream(config.run.seed, ACTOR_STREAM)
        self._actor = LearningActor(cast(Any, self), config, about.sizes, True, rng)
        self._env, self._starts = ArmEnv(config), stream(config.run.seed, RESET_STREAM)

    def wait_for(self, step: int) -> None:
        """Do what is due, as the actor waits for its worker to do."""
        while self._learner.due > 0:
            self._learner.update(self._learner.due)
        assert self._learner.steps == step

    def newer_weights(self) -> Vector32:
        """Return the actor's weights."""
        return self._learner.actor_weights()

    def push(self, experience: Experience) -> None:
        """Store what the actor hands over."""
        self._learner.add(self._layout.pack(experience)[None])

    def train(self, steps: int) -> list[float]:
        """Train; return the success of the last ten episodes, after every ten."""
        self._actor.take_weights()
        curve: list[bool] = []
        while self._actor.steps < steps:
            observation, _ = self._env.reset(seed=int(self._starts.integers(2**31)))
            over, total, length, info = False, 0.0, 0, {"is_success": False}
            while not over:
                action = self._actor.select_action(observation)
                following, reward, ended, cut, info = self._env.step(action)
                step = Transition(observation, action, reward, ended, following)
                self._actor.record(step)
                observation, over = following, ended or cut
                total, length = total + reward, length + 1
            self._actor.end_episode(Episode(total, length, bool(info["is_success"]), False, {}))
            curve.append(bool(info["is_success"]))
        tens = [curve[at : at + 10] for at in range(0, len(curve) - 9, 10)]
        return [float(np.mean(ten)) for ten in tens]

    def save(self) -> None:
        """Leave a checkpoint and a policy, as a run does."""
        log = MetricsLog(self._folder, NOTHING)
        problem = self._saver.save(self._learner, Course(self._actor.steps), log)
        log.close()
        assert not problem, problem

    def success(self) -> float:
        """Return the share of greedy episodes that succeed."""
        actor = MlpActor(self._sizes, self._learner.policy_weights())
        starts, succeeded = stream(self._config.run.seed, EVALUATION_STREAM), 0
        for _ in range(EPISODES):
            observation, _ = self._env.reset(seed=int(starts.integers(2**31)))
            over = False
            while not over:
                observation, _, ended, cut, info = self._env.step(actor(observation))
                over = ended or cut
            succeeded += bool(info["is_success"])
        return succeeded / EPISODES

    def close(self) -> None:
        """End learner and physics."""
        self._learner.close()
        self._env.close()


def main() -> None:
    """Train all ways for each seed; keep each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the file")
    arguments = parser.parse_args()
    file = arguments.results / "warm_start.json"
    for seed in arguments.seeds:
        found = one_seed(seed)
        print(json.dumps(found), flush=True)
        kept = json.loads(file.read_text("utf-8"))["runs"] if file.exists() else []
        runs = sorted([*(one for one in kept if one["seed"] != seed), found], key=_seed)
        report = {"benchmark": "warm_start", "earlier_steps": EARLIER_STEPS, "steps": STEPS}
        report |= {"earlier": EARLIER, "new": NEW, "episodes": EPISODES, "runs": runs}
        write_results(report | describe_machine(), file)


def one_seed(seed: int) -> dict[str, Any]:
    """Return the greedy success of each way, before the first step and after the last."""
    common: dict[str, Value] = {"run.seed": seed, "learner.mode": "eager"}
    base = load_config("reach").with_parameters(common)
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as name:
        source = Path(name) / "earlier"
        earlier = base.with_parameters(EARLIER | {"run.steps": EARLIER_STEPS})
        run = InProcess(earlier, source)
        run.train(EARLIER_STEPS)
        run.save()
        found: dict[str, Any] = {"seed": seed, "earlier": run.success(), "ways": {}}
        run.close()
        for way, (what, settings) in WAYS.items():
            start = "" if what is None else str(source / what)
            given = NEW | settings | {"run.steps": STEPS, "run.init_from": start}
            run = InProcess(base.with_parameters(given), Path(name) / way)
            before, exploring = run.success(), run.train(STEPS)
            found["ways"][way] = {
                "before": before,
                "after": run.success(),
                "exploring": exploring,
            }
            run.close()
    return found


def _seed(run: dict[str, Any]) -> int:
    return int(run["seed"])


if __name__ == "__main__":
    main()
