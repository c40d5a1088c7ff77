"""What a run refuses to go on with, and what it says; nothing on the disk changes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.cli.resume import resume_run
from ddpg_ros.config.parameter_file import load_config, save_config
from ddpg_ros.config.run_directory import prepare_run
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import CheckpointError, ConfigError, MachineError, RunDirectoryError
from ddpg_ros.files.generations import write_generation
from ddpg_ros.files.manifest import Extent
from ddpg_ros.training.describe_run import describe_checkpoints, verdict
from ddpg_ros.training.memory_check import require_disk
from ddpg_ros.training.resuming import load_resumed, require_resumable
from ddpg_ros.training.seeds import generator_state


def about_of(config):
    robot, task, _ = build_arm(config)
    return policy_about(config, robot, task)


@pytest.fixture(scope="module")
def about():
    return about_of(Config())


ROWS = b"step,return\n300,-3.5\n"
GROWN = {"metrics.csv": Extent(len(ROWS), hashlib.sha256(ROWS).hexdigest())}


def document(about, step=300, exact=True):
    rng = generator_state(np.random.default_rng(3))
    return {
        "step": step,
        "updates": 250,
        "control": {
            "actor": {"episodes": 6, "warmup_rng": rng, "noise_rng": rng},
            "starts": rng,
            "begun": 6,
            "longest": 50,
        },
        "exact": exact,
        "about": asdict(about),
        "torch": "2",
        "replay": {"width": 22, "total": 300, "segments": [["metrics.csv", 0, 300]]},
        "events": {"events.out.tfevents.1": 20},
    }


def save(run, number, about, **more):
    says = document(about, **more)
    return write_generation(run / "checkpoints", number, {"state": b"x"}, GROWN, says)


@pytest.fixture
def run(tmp_path, about):
    """A run of 25,000 steps that was stopped after 300."""
    save_config(Config(), tmp_path / "config.yaml")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "metrics.csv").write_bytes(ROWS)
    save(tmp_path, 1, about)
    return tmp_path


def resume(run, given):
    """Check that the run may go on, and write what is new of it."""
    with ExitStack() as held:
        resumed = resume_run(run, given, held)
        resumed.begin()
    return resumed


def ends(run, **more):
    """Leave the summary of a run that took all its steps and was evaluated."""
    whole = {"interrupted": False, "steps": 300, "updates": 250, "eval_episodes": 100}
    (run / "summary.json").write_text(json.dumps(whole | more), encoding="utf-8")


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_goes_on_from_its_newest_checkpoint_with_more_steps_if_they_are_given(run):
    resumed = resume(run, {})
    assert (resumed.resumed.step, resumed.resets_before) == (300, 6)
    assert resumed.run.config.run.resume and resumed.run.config.run.directory == str(run)
    assert resumed.sentences == [f"resuming {run} at step 300 of 20000."]
    longer = resume(run, {"run.steps": 40_000})
    assert longer.run.config.run.steps == 40_000
    written = longer.run.config_file.read_text(encoding="utf-8")
    assert "steps: 40000" in written and "resume: false" in written


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"learner.tau": 0.5},
            r"was trained with learner\.tau 0\.01, and this asks for 0\.5\. A run",
        ),
        ({"run.seed": 3}, r"run\.seed 0, and this asks for 3"),
        ({"task.tolerance": 0.3}, r"task\.tolerance 0\.\d+, and this asks for 0\.3"),
        ({"robot.urdf": "pendulum"}, r"joints \[.*\], and here it is \["),
        (
            {"run.steps": 300},
            r"has taken 300 steps, and 300 are asked for; give more with --steps",
        ),
    ],
)
def test_another_learner_task_arm_or_no_more_steps_is_refused_and_nothing_changes(
    run, given, sentence
):
    ends(run)
    before = content(run)
    with pytest.raises(CheckpointError, match=sentence):
        resume(run, given)
    assert content(run) == before


def test_an_unknown_setting_is_refused(run):
    with pytest.raises(ConfigError, match=r"there is no setting 'learner.tauu'"):
        resume(run, {"learner.tauu": 1})


def test_an_urdf_whose_content_has_changed_is_refused(run, about):
    other = replace(about, urdf_sha256="0" * 64)
    with pytest.raises(CheckpointError, match=r"urdf_sha256 .*, and here it is '000"):
        require_resumable(run, load_resumed(run, 20_000), other)


def test_a_setting_that_an_earlier_version_lacked_has_the_default_of_the_runs_own_task(run):
    """Hold's tolerance is 0.05 rad; reach's, of the same name, is 0.02 m."""
    config = Config().with_parameters({"task.name": "hold", "robot.gravity": "driver"})
    about = about_of(config)
    assert about.config["task.tolerance"] != Config().task.model_dump()["tolerance"]
    earlier = {name: value for name, value in about.config.items() if name != "task.tolerance"}
    save(run, 2, replace(about, config=earlier))
    require_resumable(run, load_resumed(run, 25_000), about)


def test_what_is_no_run_or_has_not_begun_is_refused(tmp_path):
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(RunDirectoryError, match=r"is no run directory, as it holds no config"):
            load_resumed(place, 1)
    save_config(Config(), tmp_path / "config.yaml")
    with pytest.raises(RunDirectoryError, match="has not begun: it holds no checkpoint"):
        load_resumed(tmp_path, 1)


def damage(run: Path) -> None:
    (state,) = run.glob("checkpoints/*/state")
    state.write_bytes(b"y")


def test_a_run_of_damaged_checkpoints_is_refused_with_the_damage(run):
    damage(run)
    with pytest.raises(CheckpointError, match=r"no checkpoint of it .* the checksum of state\.$"):
        load_resumed(run, 20_000)


def test_a_run_without_an_arm_is_described_in_updates(run):
    config = load_config(run / "config.yaml")
    offline = {"run.offline": True, "run.recordings": ["a.mcap"], "run.steps": 1000}
    config = config.with_parameters(offline)
    save_config(config, run / "config.yaml")
    save(run, 2, about_of(config), step=0, exact=False)
    shutil.rmtree(run / "checkpoints" / "generation-000001")
    (newest,) = describe_checkpoints(run)
    assert (newest.rows["step"], newest.rows["updates"]) == (0, "250 of 1000")
    command = f"ddpg-ros train --resume {run}"
    assert verdict(run) == f"would go on at update 250: {command}"
    save_config(config.with_parameters({"run.steps": 250}), run / "config.yaml")
    assert verdict(run).startswith("has taken all its 250 updates, and its evaluation is still")


def test_a_run_is_described_and_the_verdict_is_one_line(run):
    (one,) = describe_checkpoints(run)
    assert one.rows["step"] == "300 of 20000"
    assert one.rows["replay"] == "300 transitions in all, 300 in its files"
    expected = (
        f"would go on at step 300, to the last bit in lock-step: ddpg-ros train --resume {run}"
    )
    assert verdict(run) == expected
    assert describe_checkpoints(one.path) == [one]
    config = load_config(run / "config.yaml")
    save_config(config.with_parameters({"run.steps": 300}), run / "config.yaml")
    expected = "has taken all its 300 steps, and its evaluation is still to come: ddpg-ros train"
    assert verdict(run) == f"{expected} --resume {run}"
    ends(run)
    assert verdict(run).startswith("has taken all its 300 steps, and is evaluated; for more: ddp")
    save_config(config, run / "config.yaml")
    damage(run)
    (one,) = describe_checkpoints(run)
    assert one.sentence.startswith("damaged: ")
    assert verdict(run).startswith("would not go on: the run ")


LESS = {"run.steps": 300, "run.eval_episodes": 5}


@pytest.mark.parametrize(
    "left",
    [
        None,
        {"interrupted": True},
        {"steps": 200},  # of the process before that, which was to take fewer
        {"updates": 3},
        {"eval_episodes": 4},
    ],
)
def test_a_run_that_was_stopped_in_its_evaluation_is_evaluated(run, left):
    if left is not None:
        ends(run, **left)
    resumed = resume(run, LESS)
    line = f"resuming {run} at step 300 of 300: only its evaluation is still to come."
    assert resumed.sentences == [line]
    assert not (run / "summary.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 10**5, '{"interrupted": 3}', "\xff"])
def test_a_summary_that_is_none_counts_as_none(run, text):
    (run / "summary.json").write_text(text, encoding="latin-1")
    assert resume(run, LESS).resumed.taken == 300


@pytest.mark.parametrize(
    "name", ["metrics.csv", "evaluation.csv", "policy.safetensors", "status.json", "summary.json"]
)
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_where_the_run_writes_one_is_named_and_nothing_changes(run, name, make):
    (run / name).unlink(missing_ok=True)
    make(run / name)
    before = content(run)
    with pytest.raises(RunDirectoryError, match=rf"{run}/{name} is no file, .* move it away\.$"):
        resume(run, {"run.steps": 40_000})
    assert content(run) == before


def test_fewer_steps_than_were_taken_are_refused(run):
    with pytest.raises(CheckpointError, match="has taken 300 steps, and 200 are asked for"):
        resume(run, {"run.steps": 200})


def test_in_lock_step_a_run_goes_on_from_the_last_end_of_an_episode(run, about):
    save(run, 2, about, step=340, exact=False)
    resumed = resume(run, {})
    assert resumed.sentences == [
        f"resuming {run} at step 300 of 20000, the last end of an episode that it has; steps 301 "
        "to 340 are done again."
    ]
    assert "at step 300, the last end of an episode that it has, to the last" in verdict(run)
    ended = resume(run, {"run.steps": 340})  # what there is to evaluate is the last one
    assert ended.resumed.step == 340
    (run / "checkpoints" / "generation-000001" / "state").write_bytes(b"y")
    resumed = resume(run, {"run.steps": 20_000})
    line = f"resuming {run} at step 340 of 20000, with a new episode: it was saved in the middle"
    assert resumed.sentences == [f"{line} of one."]


def test_a_damaged_checkpoint_is_named_once_and_the_one_before_is_taken(run, about):
    path = save(run, 2, about, step=340)
    (path / "state").write_bytes(b"y")
    first, second = resume(run, {}).sentences
    assert first == (
        f"the checkpoint {path} does not match the checksum of state. The one before is taken."
    )
    assert second == f"resuming {run} at step 300 of 20000."


def test_a_difference_is_named_once_and_not_by_what_follows_from_it(run):
    with pytest.raises(CheckpointError) as caught:
        resume(run, {"run.seed": 3, "learner.hidden": [8], "control.period": 0.02})
    said = str(caught.value)
    assert "sizes" not in said and "control_period" not in said
    assert [said.count(word) for word in ("seed", "hidden", "period")] == [1, 1, 1]


def test_a_run_that_was_moved_goes_on_where_it_is_now(run, tmp_path):
    place = tmp_path.with_name(f"{tmp_path.name}-moved")
    shutil.copytree(run, place)
    before = content(run)
    config = resume(place, {}).run.config
    assert config.run.directory == str(place)
    assert load_config(place / "config.yaml").run.directory == str(place)
    assert content(run) == before


def test_a_run_has_no_other_directory_than_its_own(run, tmp_path):
    with pytest.raises(ConfigError, match="a run goes on in its own directory; leave it out"):
        resume(run, {"run.directory": str(tmp_path / "other")})


RESUMES = """
import sys
from contextlib import ExitStack
from pathlib import Path
from ddpg_ros.cli.resume import resume_run
from ddpg_ros.errors import DdpgRosError
print("ready", flush=True)
sys.stdin.readline()
with ExitStack() as held:
    try:
        resume_run(Path(sys.argv[1]), {}, held)
        print("goes on", flush=True)
    except DdpgRosError as error:
        print(error, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.slow
def test_of_two_processes_that_resume_a_run_at_once_one_goes_on(run):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RESUMES, str(run)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.stdout.readline().strip() for process in processes]
    for process in processes:
        process.communicate("\n")
    winner = said.index("goes on")
    number = processes[winner].pid
    assert f"{run} is in use by another run, process {number}; wait" in said[1 - winner]


def test_of_two_that_make_the_same_run_directory_the_second_leaves_it_alone(tmp_path):
    place = tmp_path / "new"
    with ExitStack() as held:
        prepare_run(Config(), place, held=held)
        before = content(place)
        with pytest.raises(RunDirectoryError, match="is in use by another run, "):
            prepare_run(Config().with_parameters({"run.seed": 3}), place)
        assert content(place) == before
    with pytest.raises(RunDirectoryError, match="is not empty"):
        prepare_run(Config(), place)


def test_a_disk_without_room_is_refused_before_the_first_step_with_the_bytes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("ddpg_ros.training.memory_check.free_space", lambda folder: 1000)
    config = Config().with_parameters({"run.steps": 10**6, "learner.replay_capacity": 10**6})
    with pytest.raises(MachineError) as caught:
        require_disk(config, [9, 64, 64, 2], tmp_path / "not there yet")
    assert "of which the replay buffer takes 88000000, and the disk of" in str(caught.value)
    assert "has 1000 bytes of room" in str(caught.value)
