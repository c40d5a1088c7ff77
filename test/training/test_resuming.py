"""What a run refuses to go on with, and what it says; nothing on the disk changes."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.cli.resume import resume_run
from ddpg_ros.config.parameter_file import load_config, save_config
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import CheckpointError, ConfigError, MachineError, RunDirectoryError
from ddpg_ros.files.generations import write_generation
from ddpg_ros.training.describe_run import describe_checkpoints, verdict
from ddpg_ros.training.memory_check import require_disk
from ddpg_ros.training.resuming import load_resumed, require_resumable


def about_of(config):
    robot, task, _ = build_arm(config)
    return policy_about(config, robot, task)


@pytest.fixture(scope="module")
def about():
    return about_of(Config())


def document(about, step=300):
    return {
        "step": step,
        "updates": 250,
        "control": {"actor": {"episodes": 6}, "begun": 6},
        "exact": True,
        "about": asdict(about),
        "torch": "2",
        "replay": {"width": 22, "total": 300, "segments": [["a", 0, 300]]},
    }


@pytest.fixture
def run(tmp_path, about):
    """A run of 25,000 steps that was stopped after 300."""
    save_config(Config(), tmp_path / "config.yaml")
    (tmp_path / "checkpoints").mkdir()
    write_generation(tmp_path / "checkpoints", 1, {"state": b"x"}, {}, document(about))
    return tmp_path


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_goes_on_from_its_newest_checkpoint_with_more_steps_if_they_are_given(run):
    resumed = resume_run(run, {})
    assert (resumed.resumed.step, resumed.resets_before) == (300, 6)
    assert resumed.run.config.run.resume and resumed.run.config.run.directory == str(run)
    assert resumed.sentence == f"resuming {run} at step 300 of 20000."
    longer = resume_run(run, {"run.steps": 40_000})
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
    before = content(run)
    with pytest.raises(CheckpointError, match=sentence):
        resume_run(run, given)
    assert content(run) == before


def test_an_unknown_setting_is_refused(run):
    with pytest.raises(ConfigError, match=r"there is no setting 'learner.tauu'"):
        resume_run(run, {"learner.tauu": 1})


def test_an_urdf_whose_content_has_changed_is_refused(run, about):
    other = replace(about, urdf_sha256="0" * 64)
    with pytest.raises(CheckpointError, match=r"urdf_sha256 .*, and here it is '000"):
        require_resumable(run, load_resumed(run), other, 20_000)


def test_what_is_no_run_or_has_not_begun_is_refused(tmp_path):
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(RunDirectoryError, match=r"is no run directory, as it holds no config"):
            load_resumed(place)
    save_config(Config(), tmp_path / "config.yaml")
    with pytest.raises(RunDirectoryError, match="has not begun: it holds no checkpoint"):
        load_resumed(tmp_path)


def damage(run: Path) -> None:
    (state,) = run.glob("checkpoints/*/state")
    state.write_bytes(b"y")


def test_a_run_of_damaged_checkpoints_is_refused_with_the_damage(run):
    damage(run)
    with pytest.raises(CheckpointError, match=r"none of its checkpoints .* the checksum of state"):
        load_resumed(run)


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
    assert verdict(run).startswith("has taken all its 300 steps; for more: ddpg-ros train --res")
    save_config(config, run / "config.yaml")
    damage(run)
    (one,) = describe_checkpoints(run)
    assert one.sentence.startswith("damaged: ")
    assert verdict(run).startswith("would not go on: the run ")


def test_a_disk_without_room_is_refused_before_the_first_step_with_the_bytes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("ddpg_ros.training.memory_check.free_space", lambda folder: 1000)
    config = Config().with_parameters({"run.steps": 10**6, "learner.replay_capacity": 10**6})
    with pytest.raises(MachineError) as caught:
        require_disk(config, [9, 64, 64, 2], tmp_path / "not there yet")
    assert "of which the replay buffer takes 88000000, and the disk of" in str(caught.value)
    assert "has 1000 bytes of room" in str(caught.value)
