"""`ddpg-ros` from the outside: real processes, what they leave and what they say."""

import contextlib
import csv
import json
import math
import os
import signal
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("torch")
pytest.importorskip("pybullet")

import imageio.v3 as imageio
import yaml

from ddpg_ros.cli.main import main
from ddpg_ros.control.policy import load_policy
from test.conftest import PATIENCE, wait_until
from test.processes import Process

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow]

SUMMARY_KEYS = set(
    [
        "algorithm",
        "config",
        "seed",
        "steps",
        "episodes",
        "updates",
        "train_wall_s",
        "steps_per_s",
        "updates_per_s",
        "eval_episodes",
        "success_rate",
        "mean_return",
        "std_return",
        "dropped_transitions",
        "missed_deadlines",
        "policy",
        "interrupted",
    ]
)
SHORT = {  # episodes of 10 steps, so that every file grows at once
    "task": {"episode_seconds": 0.4},
    "learner": {"hidden": [16], "batch_size": 32, "warmup_steps": 50, "mode": "eager"},
    "run": {"steps": 200, "eval_episodes": 2},
}


@pytest.fixture
def cli(tmp_path, ros_domain):
    """Starts command lines; whatever is left is ended."""
    started = []

    def start(*arguments):
        started.append(Process(tmp_path, "ddpg_ros.cli.main", *map(str, arguments)))
        return started[-1]

    yield start
    for process in started:
        process.kill_family()


def config_file(folder, tree=SHORT, **run):
    path = folder / "experiment.yaml"
    tree = tree | {"run": tree.get("run", {}) | run}
    path.write_text(yaml.safe_dump({"/**": {"ros__parameters": tree}}))
    return path


def rows(path):
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summary(run):
    return json.loads((run / "summary.json").read_text())


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_training_leaves_a_whole_run_directory_and_its_policy_evaluates_and_plays(cli, tmp_path):
    run = tmp_path / "run"
    process = cli("train", "--config", "reach", "--set", "task.episode_seconds=1", "--steps", 600,
                  "--eval-episodes", 2, "--run-dir", run)  # fmt: skip
    assert process.exit(120.0) == 0, process.said
    assert process.gone()
    assert load_policy(run / "policy.safetensors").about.steps == 600
    assert yaml.safe_load((run / "config.yaml").read_text())["/**"]["ros__parameters"]["run"]
    assert [int(row["step"]) for row in rows(run / "metrics.csv")] == list(range(25, 601, 25))
    assert len(rows(run / "evaluation.csv")) == 2
    assert list((run / "tensorboard").glob("events*"))
    assert (run / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    frames = imageio.imread(run / "rollout.gif")
    assert len(frames) > 10 and frames[0].std() > 1 and (frames[0] != frames[-1]).any()
    kept = summary(run)
    assert set(kept) >= SUMMARY_KEYS
    assert (kept["algorithm"], kept["steps"], kept["updates"]) == ("DDPG", 600, 100)
    assert kept["dropped_transitions"] == 0 and not kept["interrupted"]
    assert math.isfinite(kept["mean_return"]) and kept["steps_per_s"] > 0
    assert "600 steps and 100 updates" in process.said and "ddpg-ros play" in process.said

    policy = run / "policy.safetensors"
    evaluation = cli("eval", "--policy", policy, "--episodes", 2, "--json")
    gif = tmp_path / "played.gif"
    assert evaluation.exit(PATIENCE) == 0, evaluation.said
    said = evaluation.said
    again = json.loads(said[said.index("{") :])
    assert again["eval_episodes"] == 2 and math.isfinite(again["mean_return"])
    play = cli("play", "--policy", policy, "--episodes", 1, "--gif", gif)
    assert play.exit(PATIENCE) == 0, play.said
    assert len(imageio.imread(gif)) > 10 and str(gif) in play.said
    assert evaluation.gone() and play.gone()


def test_a_training_in_real_time_works_end_to_end(cli, tmp_path):
    run = tmp_path / "run"
    process = cli("train", "--config", config_file(tmp_path), "--clock", "realtime",
                  "--steps", 60, "--eval-episodes", 1, "--run-dir", run)  # fmt: skip
    assert process.exit(PATIENCE) == 0, process.said
    kept = summary(run)
    assert (kept["steps"], kept["eval_episodes"], kept["interrupted"]) == (60, 1, False)
    assert kept["train_wall_s"] > 1.5  # 60 steps of 40 ms
    assert load_policy(run / "policy.safetensors").about.steps == 60
    assert process.gone()


SOON = 6.0  # [s], beside other tests; alone 2 to 3
MOMENTS = {
    "starting": lambda process, run: process.member("ddpg_ros.executables agent"),
    "warming-up": lambda process, run: rows(run / "metrics.csv"),
    "training": lambda process, run: (
        int((rows(run / "metrics.csv") or [{"updates": 0}])[-1]["updates"]) > 50
    ),
    "evaluating": lambda process, run: rows(run / "evaluation.csv"),
}


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("starting", signal.SIGINT),
        ("warming-up", signal.SIGINT),
        ("training", signal.SIGTERM),
        ("evaluating", signal.SIGINT),
    ],
)
def test_a_signal_ends_everything_soon_and_what_was_learnt_is_kept(
    cli, tmp_path, moment, number, record_property
):
    run = tmp_path / "run"
    steps = {"steps": 100 if moment == "evaluating" else 100_000, "eval_episodes": 10_000}
    file = config_file(tmp_path, **steps)
    if moment == "warming-up":
        file = config_file(
            tmp_path, SHORT | {"learner": {"warmup_steps": 50_000, "mode": "eager"}}, **steps
        )
    process = cli("train", "--config", file, "--run-dir", run)
    wait_until(lambda: MOMENTS[moment](process, run), what=moment)
    code, took = process.interrupt(number)
    record_property("exit_seconds", took)
    print(f"{moment}, {number.name}: {took:.2f} s")
    assert took < SOON, process.said
    assert code == 128 + number
    assert process.gone()
    assert f"stopped by {number.name}" in process.said and "Traceback" not in process.said
    if moment == "starting":
        assert not run.exists()
    else:
        assert summary(run)["interrupted"] is True
        assert load_policy(run / "policy.safetensors").about.updates == summary(run)["updates"]
        assert "Policy and summary are in" in process.said
        assert f"ddpg-ros train --resume {run}\n" in process.said


def test_ctrl_c_while_the_update_is_compiled_ends_the_compiler_too(cli, tmp_path, monkeypatch):
    cache, run = tmp_path / "cache", tmp_path / "run"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    learner = SHORT["learner"] | {"mode": "auto"}
    file = config_file(tmp_path, SHORT | {"learner": learner}, steps=100_000)

    def compilers():
        found = []
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                found += [line] if str(cache).encode() in line.read_bytes() else []
        return found

    process = cli("train", "--config", file, "--run-dir", run)
    wait_until(compilers, what="the compiler")
    code, took = process.interrupt(signal.SIGINT)
    assert code == 128 + signal.SIGINT, process.said
    assert took < SOON, process.said
    assert process.gone() and "Traceback" not in process.said
    wait_until(lambda: not compilers(), what="the compiler's end")


def test_a_simulator_that_is_killed_ends_the_training_with_a_message_and_keeps_the_policy(
    cli, tmp_path
):
    run = tmp_path / "run"
    file = config_file(tmp_path, steps=100_000)
    process = cli("train", "--config", file, "--run-dir", run)
    wait_until(lambda: MOMENTS["training"](process, run), what="the training")
    os.kill(process.member("ddpg_ros.executables simulator"), signal.SIGKILL)
    assert process.exit(PATIENCE) not in (0, None)
    assert "the simulator ended with signal SIGKILL" in process.said
    assert f"the nodes' logs: {run / 'log'}" in process.said
    assert "Traceback" not in process.said
    assert process.gone()
    assert load_policy(run / "policy.safetensors").about.updates > 50


def run_main(monkeypatch, capsys, *arguments):
    """Run the command line in this process; return its exit code and what it said."""
    monkeypatch.setattr(sys, "argv", ["ddpg-ros", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    return end.value.code, captured.out + captured.err


def yaml_of(text):
    def write(folder):
        path = folder / "experiment.yaml"
        path.write_text(text)
        return ["train", "--config", path]

    return write


def broken_policy(folder):
    path = folder / "policy.safetensors"
    path.write_bytes(b"\x10\x07\x00\x00\x00\x00\x00\x00{")
    return ["eval", "--policy", path]


def used_directory(folder):
    (folder / "notes.txt").write_text("mine")
    return ["train", "--config", "reach", "--run-dir", folder]


WITHOUT_LIMITS = """<robot name="arm"><link name="base"/><link name="tip"/>
<joint name="hinge" type="continuous"><parent link="base"/><child link="tip"/>
<axis xyz="0 0 1"/></joint></robot>"""


def urdf(text):
    def write(folder):
        path = folder / "arm.urdf"
        if text:
            path.write_text(text)
        return ["train", "--config", config_file(folder, {"robot": {"urdf": str(path)}}),
                "--run-dir", folder / "run"]  # fmt: skip

    return write


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda folder: ["train", "--config", folder / "none.yaml"], "there is no configuration"),
        (lambda folder: ["train", "--config", "reech"], "did you mean 'reach'"),
        (yaml_of("a: [1, 2"), "is not valid YAML"),
        (yaml_of("learner: {tau: 0.1}"), "is not a ROS parameter file; expected '/**:'"),
        (yaml_of("/**: {ros__parameters: {learner: {tua: 0.1}}}"), "did you mean 'learner.tau'"),
        (yaml_of("/**: {ros__parameters: {learner: {tau: 7}}}"), "learner.tau is 7"),
        (yaml_of("/**: {ros__parameters: {control: {period: 0.035}}}"), "is not a multiple of"),
        (used_directory, "is not empty"),
        (broken_policy, "is not a whole policy file"),
        (lambda folder: ["eval", "--policy", folder / "none"], "cannot be read (No such file"),
        (urdf(""), "arm.urdf"),
        (urdf("<robot"), "arm.urdf"),
        (urdf(WITHOUT_LIMITS), "limit"),
    ],
    ids=[
        "no-file",
        "misspelt",
        "no-yaml",
        "no-parameters",
        "unknown-key",
        "bad-value",
        "bad-period",
        "used-directory",
        "broken-policy",
        "no-policy",
        "no-urdf",
        "bad-urdf",
        "urdf-without-limits",
    ],
)
def test_a_mistake_gets_a_sentence_and_exit_code_two(
    tmp_path: Path, ros_domain, monkeypatch, capsys, prepare, sentence
):
    arguments = prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, said = run_main(monkeypatch, capsys, *arguments)
    assert code == 2
    assert sentence in said and "Traceback" not in said
    assert len(said.strip().splitlines()) == 1, said
    assert not (tmp_path / "run").exists() and not (tmp_path / "runs").exists()
