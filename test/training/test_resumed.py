"""Killed and resumed, a training leaves the same bytes: real processes, kill -9 of all of them."""

import json
import os
import random
import signal
from pathlib import Path

import pytest

pytest.importorskip("torch")

from ddpg_ros.files.generations import list_generations, newest_generation, read_prefix
from test.conftest import wait_until
from test.processes import Process

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

FILES = ("metrics.csv", "evaluation.csv", "policy.safetensors")
LONG = 250.0  # [s]
SETTINGS = (
    "learner.hidden=[16]",
    "learner.batch_size=16",
    "learner.warmup_steps=250",
    "learner.mode=eager",
    "learner.n_step=3",
    "run.checkpoint_every=150",
)


class Training:
    """`ddpg-ros train` and all of its processes."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        words = [str(word) for word in arguments]
        self._process = Process(folder, "ddpg_ros.cli.main", "train", *words)

    def kill_after(self, run: Path, generations: int) -> None:
        """Kill every process with SIGKILL once so many checkpoints were written."""

        def written() -> bool:
            assert self._process.running, self._process.said
            newest = list_generations(run / "checkpoints")
            return bool(newest) and newest[0][0] >= generations

        wait_until(written, LONG, "a checkpoint")
        self._process.kill_family()

    def kill_in_evaluation(self, run: Path) -> None:
        """Kill every process with SIGKILL once a greedy episode has ended."""
        rows = run / "evaluation.csv"

        def evaluated() -> bool:
            assert self._process.running, self._process.said
            return rows.exists() and rows.read_bytes().count(b"\n") >= 2

        wait_until(evaluated, LONG, "a greedy episode")
        self._process.kill_family()

    def interrupt(self, run: Path, generations: int, number: signal.Signals) -> None:
        """Send a signal once so many checkpoints were written."""
        wait_until(lambda: len(list_generations(run / "checkpoints")) >= generations, LONG)
        code, _ = self._process.interrupt(number)
        assert code == 128 + number, self._process.said

    def finish(self) -> str:
        assert self._process.exit(LONG) == 0, self._process.said
        return self._process.said


def left(run: Path) -> dict[str, bytes]:
    """The bytes that a run leaves; the replay buffer as one sequence of records."""
    newest, refusals = newest_generation(run / "checkpoints", run)
    assert newest is not None and not refusals
    grown = sorted(item for item in newest.grown.items() if item[0].endswith(".f32"))
    return {name: (run / name).read_bytes() for name in FILES} | {
        "replay": b"".join(read_prefix(run, name, extent) for name, extent in grown)
    }


def new(steps: int, run: Path) -> list[object]:
    sets = [word for setting in SETTINGS for word in ("--set", setting)]
    training = ["--gym", "Pendulum-v1", "--steps", steps, "--seed", 4, "--run-dir", run]
    return [*training, "--eval-episodes", 40, *sets]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    Training(folder, *new(1000, folder / "run")).finish()
    return left(folder / "run")


def test_killed_at_random_and_resumed_twice_it_leaves_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    run, draw = tmp_path / "run", random.Random(int.from_bytes(os.urandom(4)))
    first = draw.randint(1, 2)
    Training(tmp_path, *new(1000, run)).kill_after(run, first)
    Training(tmp_path, "--resume", run).kill_after(run, first + draw.randint(1, 2))
    said = Training(tmp_path, "--resume", run).finish()
    assert "resuming " in said and "of 1000." in said
    assert left(run) == whole


def test_killed_in_its_evaluation_and_resumed_a_run_is_evaluated_and_nothing_else(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    Training(tmp_path, *new(1000, run)).kill_in_evaluation(run)
    (run / "policy.safetensors").unlink()  # as if killed before it was there
    generations = list_generations(run / "checkpoints")
    said = Training(tmp_path, "--resume", run).finish()
    assert "at step 1000 of 1000: only its evaluation is still to come." in said
    assert left(run) == whole
    assert list_generations(run / "checkpoints") == generations
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert (summary["steps"], summary["eval_episodes"]) == (1000, 40)
    assert not summary["interrupted"] and summary["updates"] == 750


def test_stopped_by_a_signal_and_resumed_it_leaves_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    Training(tmp_path, *new(1000, run)).interrupt(run, 2, signal.SIGTERM)
    Training(tmp_path, "--resume", run).finish()
    assert left(run) == whole


def test_a_run_with_a_warm_start_leaves_the_same_bytes_if_the_earlier_run_is_gone(
    tmp_path: Path,
) -> None:
    earlier, run = tmp_path / "earlier", tmp_path / "run"
    Training(tmp_path, *new(400, earlier)).finish()
    warm = ["--init-from", earlier, "--set", "learner.earlier_updates=500"]
    Training(tmp_path, *new(600, tmp_path / "whole"), *warm).finish()
    Training(tmp_path, *new(600, run), *warm).kill_after(run, 1)
    earlier.rename(tmp_path / "away")
    Training(tmp_path, "--resume", run).finish()
    assert left(run) == left(tmp_path / "whole")


def test_a_finished_run_goes_on_with_more_steps_and_says_so_without(tmp_path: Path) -> None:
    run = tmp_path / "run"
    Training(tmp_path, *new(500, run)).finish()
    before = left(run)
    refused = Process(tmp_path, "ddpg_ros.cli.main", "train", "--resume", str(run))
    assert refused.exit(LONG) == 2
    assert "has taken 500 steps, and 500 are asked for; give more with --steps" in refused.said
    assert left(run) == before
    said = Training(tmp_path, "--resume", run, "--steps", 700).finish()
    # it ended within its third episode, which is done again
    assert "at step 400 of 700, the last end of an episode that it has; steps 401 to 500" in said
    after = left(run)
    assert after["metrics.csv"].startswith(before["metrics.csv"])
    assert len(after["replay"]) > len(before["replay"])
    assert after["policy.safetensors"] != before["policy.safetensors"]
    assert "steps: 700" in (run / "config.yaml").read_text(encoding="utf-8")


def test_a_run_that_another_process_writes_is_refused_with_its_number(tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = Process(tmp_path, "ddpg_ros.cli.main", "train", *map(str, new(10**6, run)))
    try:
        wait_until(lambda: bool(list_generations(run / "checkpoints")), LONG)
        second = Process(tmp_path, "ddpg_ros.cli.main", "train", "--resume", str(run))
        assert second.exit(LONG) == 2
        assert f"in use by another run, process {first.popen.pid};" in second.said
        assert first.running and "Traceback" not in second.said
    finally:
        first.kill_family()
