"""`train --from-bag` and `inspect`: what they refuse, and that nothing is left behind then."""

import json
import os
from dataclasses import replace

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("torch")
pytest.importorskip("pybullet")

from ddpg_ros.build import policy_about
from ddpg_ros.cli.recording_size import recording_bytes
from ddpg_ros.config.parameter_file import save_config
from ddpg_ros.config.settings import Config
from ddpg_ros.files.disk_space import RESERVE
from test.recordings import ABOUT, an_episode, contents_of, write_bag

APART = ("--namespace", f"apart_{os.getpid()}")
"""Of other trainings on this host, in whatever ROS domain."""


@pytest.fixture
def bag(tmp_path):
    """A recording of reach on the two-link arm."""
    return write_bag(tmp_path / "elsewhere" / "bag", contents_of(an_episode(length=6)))


@pytest.fixture
def empty(tmp_path, monkeypatch, ros_domain):
    """The directory that the command is called in, which a refusal leaves empty."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    assert list(folder.iterdir()) == []


def cut(bag):
    path = bag / "bag_0.mcap"
    path.write_bytes(path.read_bytes()[:-20])
    return path


def test_fault_84_a_recording_that_is_cut_off_is_refused(ddpg_ros, empty, bag):
    sentence = ddpg_ros("train", *APART, "--from-bag", cut(bag)).sentence
    assert "bag_0.mcap is cut off" in sentence and "mcap recover" in sentence


def test_a_recording_that_is_not_there_is_refused(ddpg_ros, empty, tmp_path):
    sentence = ddpg_ros("train", *APART, "--from-bag", tmp_path / "none").sentence
    assert "none cannot be read" in sentence


def test_fault_84_a_recording_of_another_arm_is_refused(ddpg_ros, empty, bag):
    sentence = ddpg_ros("train", *APART, "--config", "swing_up", "--from-bag", bag).sentence
    assert "about the joints shoulder, elbow; this arm has" in sentence


def test_of_two_recordings_the_one_that_is_no_use_is_named(ddpg_ros, empty, bag, tmp_path):
    other = write_bag(tmp_path / "other", [])
    other.mkdir()
    ended = ddpg_ros("train", *APART, "--from-bag", bag, "--from-bag", other)
    assert "other holds no recording" in ended.sentence


def test_offline_wants_a_recording(ddpg_ros, empty):
    assert "run.recordings is empty" in ddpg_ros("train", *APART, "--offline").sentence


def test_an_environment_of_gymnasium_takes_no_recording(ddpg_ros, empty, bag):
    sentence = ddpg_ros("train", "--gym", "Pendulum-v1", "--from-bag", bag).sentence
    assert "--from-bag goes with ROS" in sentence


@pytest.mark.parametrize("record", ["all", "latch"])
def test_a_disk_without_room_is_refused_with_both_numbers(ddpg_ros, empty, monkeypatch, record):
    monkeypatch.setattr("ddpg_ros.training.memory_check.free_space", lambda path: 1000)
    alone = ddpg_ros("train", *APART, "--set", "run.record=off").sentence
    assert "of which" in alone
    for_checkpoints = int(alone.split(" take ")[1].split(" bytes")[0])
    room = for_checkpoints + RESERVE + 1000
    monkeypatch.setattr("ddpg_ros.training.memory_check.free_space", lambda path: room)
    sentence = ddpg_ros("train", *APART, "--set", f"run.record={record}").sentence
    assert f"take {for_checkpoints} bytes" in sentence and ", recordings " in sentence
    assert f"has {room} bytes of room, of which {RESERVE} stay free" in sentence


def test_what_is_recorded_is_bounded_by_the_limit():
    every = Config().with_parameters({"run.record": "all", "run.steps": 1_000_000_000})
    assert recording_bytes(every, 7) == 2_000_000_000
    assert recording_bytes(Config(), 7) == 0
    latch = Config().with_parameters({"run.clock": "realtime", "control.period": 0.01})
    assert recording_bytes(latch, 2) == 4_000 * 230  # 40 s at 100 Hz


def test_inspect_says_what_a_recording_holds_and_where_it_loads(ddpg_ros, bag):
    settings = "run.seed: 3\n"
    whole = write_bag(
        bag.parent / "whole", contents_of(an_episode(length=6)), ABOUT | {"settings": settings}
    )
    said = ddpg_ros("inspect", whole).out
    for part in (
        "whole, checksums right",
        "/agent/step",
        "7 × sensor_msgs/msg/JointState",
        "1 train",
        "6 of 6 with torque and next state",
        "0.04 s",
    ):
        assert part in said
    assert f"it loads: ddpg-ros train --from-bag {whole}" in said
    content = json.loads(ddpg_ros("inspect", whole, "--json").out)
    assert content["joints"] == ["shoulder", "elbow"]
    assert content["topics"]["/joint_command"] == {
        "type": "sensor_msgs/msg/JointState",
        "messages": 6,
    }


def test_inspect_says_why_a_recording_cannot_train(ddpg_ros, bag, tmp_path):
    assert "bag_0.mcap is cut off" in ddpg_ros("inspect", cut(bag)).sentence
    steps = [one for one in contents_of(an_episode()) if one[0] == "/agent/step"]
    lacking = write_bag(tmp_path / "lacking", steps)
    assert "it cannot train: " in ddpg_ros("inspect", lacking).out


def test_inspect_says_that_settings_nested_too_deep_are_none(ddpg_ros, tmp_path):
    about = ABOUT | {"settings": "[" * 100_000}
    deep = write_bag(tmp_path / "deep", contents_of(an_episode()), about)
    ended = ddpg_ros("inspect", deep)
    assert ended.code == 0
    assert "it does not train with its own settings here: maximum recursion" in ended.out


def test_inspect_says_what_a_run_holds(ddpg_ros, arm_policy):
    run = arm_policy.parent
    save_config(Config(), run / "config.yaml")
    write_bag(run / "recordings" / "latch-20261130-193512", contents_of(an_episode()))
    said = ddpg_ros("inspect", run).out
    assert "the run has not ended" in said
    assert "latch-20261130-193512" in said
    assert "its policy: it loads: ddpg-ros eval --policy" in said
    arm_policy.write_bytes(arm_policy.read_bytes()[:100])
    assert "its policy does not load: " in ddpg_ros("inspect", run).out


def test_brackets_in_a_path_are_shown_as_they_are(ddpg_ros, arm_policy, bag, empty):
    """They are no markup: neither `[red]`, which would vanish, nor `[/red]`, which would fail."""
    place = arm_policy.parents[1] / "[red]x[" / "red]y"
    place.mkdir(parents=True)
    save_config(Config(), place / "config.yaml")
    policy = arm_policy.rename(place / "policy.safetensors")
    for path in (place, policy, bag.rename(place / "bag")):
        ended = ddpg_ros("inspect", path)
        assert ended.code == 0
        assert ended.out.replace("\n", "").startswith(str(path)), ended.out
    sentence = ddpg_ros("train", *APART, "--from-bag", cut(place / "bag").parent).sentence
    assert f"{place}/bag/bag_0.mcap is cut off" in sentence


def test_inspect_says_if_the_policy_is_of_another_arm(ddpg_ros, arm_policy, monkeypatch):
    def another(*arguments):
        return replace(policy_about(*arguments), urdf_sha256="another file")

    monkeypatch.setattr("ddpg_ros.cli.inspect.policy_about", another)
    said = ddpg_ros("inspect", arm_policy).out
    assert "it does not load here: " in said
    assert "and this robot has another file" in said
