"""What a training takes of an earlier one, what it refuses, and that it can be resumed."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.speed.untrained import save_untrained
from ddpg_ros.algo.learner import Learner
from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import to_parameters
from ddpg_ros.control.policy import PolicyAbout, load_policy
from ddpg_ros.errors import CheckpointError, ConfigError, MachineError, PolicyFileError
from ddpg_ros.files.generations import newest_generation
from ddpg_ros.robot.arm import Robot
from ddpg_ros.training.earlier import earlier_of, keep_earlier
from ddpg_ros.training.seeds import restore_generator
from ddpg_ros.worker.metrics_log import Kept
from ddpg_ros.worker.warm_start_file import load_warm_start, warm_start_of
from test.worker.inline import LAYOUT, SIZES, InlineRun, config_of

EPISODES = 8


@pytest.fixture(scope="module")
def earlier_run(tmp_path_factory):
    """A run of 77 steps, of which the replay buffer holds the last 60, and its policy."""
    run = InlineRun(tmp_path_factory.mktemp("earlier"), config_of(run__seed=1))
    run.run(EPISODES)
    run.save()
    run.log.close()
    (run.folder / "config.yaml").write_text("")
    return run


def config_from(path, **more):
    return config_of(run__init_from=str(path), learner__earlier_updates=100, **more)


def about_of(config, **more):
    about = PolicyAbout(SIZES, [], [], 0.04, "none", "", 5, 0, 0, "0", to_parameters(config))
    return replace(about, **more)


def taken(config, folder, **more):
    return earlier_of(config, about_of(config, **more), folder)


def refused(path, folder, kind=ConfigError, about=None, **more):
    """Return the sentence of a refusal, before which nothing was written."""
    config = config_from(path, **more)
    with pytest.raises(kind) as problem:
        taken(config, folder, **(about or {}))
    assert list(folder.iterdir()) == []
    sentence = str(problem.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


def begun(folder, config, kept=None):
    learner = Learner(config.learner, LAYOUT, config.run.seed, warm=warm_start_of(config, folder))
    return InlineRun(folder, config, learner=learner, **({} if kept is None else {"kept": kept}))


def test_of_a_run_its_networks_statistics_and_last_transitions_are_taken(earlier_run, tmp_path):
    config = config_from(earlier_run.folder, learner__replay_capacity=25)
    earlier = taken(config, tmp_path)
    state = earlier_run.learner.state
    warm = earlier.kept.warm
    assert warm.actor.tolist() == state.actor.tolist()
    assert warm.target_actor.tolist() == state.target_actor.tolist()
    assert warm.critics.critics.tolist() == state.critics.tolist()
    assert warm.critics.target_critics.tolist() == state.target_critics.tolist()
    statistics = earlier_run.learner.checkpoint().statistics
    assert (warm.critics.seen, warm.critics.mean.tolist()) == (
        statistics.seen,
        statistics.mean.tolist(),
    )
    expected = earlier_run.learner.replay.since(0).numpy()[-25:]
    np.testing.assert_array_equal(warm.records, expected)
    # rewards over 3 steps with a discount of 0.5, as they are stored
    least, largest = earlier_run.learner.checkpoint().rewards
    assert warm.values == (least / (1.0 - 0.5**3), largest / (1.0 - 0.5**3))
    (sentence,) = earlier.sentences
    assert sentence == (
        f"beginning with the networks of {earlier_run.folder} at step 77, and its last 25 "
        "transitions: 50% of a minibatch at first, none after 100 updates."
    )


def test_of_a_policy_file_its_actor_alone_is_taken(earlier_run, tmp_path):
    path = earlier_run.folder / "policy.safetensors"
    warm = taken(config_from(path), tmp_path).kept.warm
    assert warm.critics is None and not len(warm.records)
    assert warm.actor.tolist() == load_policy(path).actor.weights.tolist()


def test_what_was_taken_is_in_the_new_run_and_the_earlier_one_may_go(earlier_run, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(earlier_run.folder, moved)
    config, folder = config_from(moved), tmp_path / "new"
    folder.mkdir()
    earlier = taken(config, folder)
    keep_earlier(earlier, folder)
    shutil.rmtree(moved)
    kept = load_warm_start(folder)
    assert kept.about["source"] == str(moved)
    assert (kept.about["steps"], kept.about["updates"]) == (77, earlier_run.learner.updates)
    for name in ("actor", "target_actor", "records"):
        one, other = (getattr(found, name) for found in (kept.warm, earlier.kept.warm))
        np.testing.assert_array_equal(one, other)
    assert taken(config, folder) is None  # it is there already


def test_nothing_is_taken_of_its_replay_buffer_with_a_share_of_zero(earlier_run, tmp_path):
    config = config_from(earlier_run.folder, learner__earlier_share=0.0, learner__discount=0.9)
    earlier = taken(config, tmp_path)
    assert not len(earlier.kept.warm.records)
    assert earlier.sentences[0].endswith("at step 77, without its transitions.")


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("what", ["run", "policy"])
def test_saved_at_any_time_and_resumed_it_leaves_the_same_bytes(
    earlier_run, tmp_path, what, share
):
    path = earlier_run.folder / ("policy.safetensors" if what == "policy" else "")
    config = config_from(path, learner__critic_first=60, learner__earlier_share=share)
    for name in ("whole", "saved"):
        (tmp_path / name).mkdir()
        keep_earlier(taken(config, tmp_path / name), tmp_path / name)
    whole = begun(tmp_path / "whole", config)
    whole.run(9)
    expected = whole.result()
    for episodes in (1, 4):  # in the warm-up, and after it
        folder = tmp_path / f"resumed{episodes}"
        shutil.copytree(tmp_path / "saved", folder)
        saved = begun(folder, config)
        saved.run(episodes)
        saved.save()
        actions = list(saved.actions)
        saved.run(1)  # is lost, but for its rows
        saved.log.close()
        generation, _ = newest_generation(folder / "checkpoints", folder)
        run = begun(folder, config, Kept(generation.grown["metrics.csv"].bytes, {}))
        run.saver.resume(run.learner, generation.path)
        control = json.loads(json.dumps(generation.document["control"]))
        run.actor.restore(control["actor"])
        restore_generator(run.starts, control["starts"])
        run.actor.go_on_from(generation.document["step"])
        run.actions = actions
        run.run(9 - episodes)
        assert run.result() == expected


def test_the_policy_acts_with_noise_from_the_first_step(earlier_run, tmp_path):
    config = config_from(earlier_run.folder, noise__sigma=0.0, noise__sigma_final=0.0)
    keep_earlier(taken(config, tmp_path), tmp_path)
    run = begun(tmp_path, config)
    run.actor.take_weights()
    observation = np.array([0.3, -0.2], dtype=np.float32)
    expected = earlier_run.learner.actor_weights()
    assert run.actor._policy.weights.tolist() == expected.tolist()
    action = run.actor.select_action(observation)
    assert action.tolist() == run.actor._policy(observation).tolist()


def arm_about(config):
    robot, task, _ = build_arm(config)
    return policy_about(config, robot, task)


def test_what_differs_and_may_is_said_in_a_sentence_each(tmp_path):
    reach = load_config("reach").with_parameters({"robot.torque_limit": [2.0, 1.0]})
    path = tmp_path / "policy.safetensors"
    save_untrained(path, reach)
    arm = tmp_path / "arm.urdf"
    arm.write_bytes(Robot.of(reach).source + b"<!-- another -->")
    config = reach.with_parameters(
        {
            "run.init_from": str(path),
            "robot.urdf": str(arm),
            "robot.torque_limit": [2.0, 0.5],
            "robot.payload_mass": 0.1,
            "task.tolerance": 0.5,
            "control.period": 0.05,
        }
    )
    first, *sentences = earlier_of(config, arm_about(config), tmp_path).sentences
    assert first == (
        f"beginning with the policy {path}; its critic begins anew, and learns alone for 1000 "
        "updates."
    )
    assert sentences == [
        "its arm had another URDF.",
        "its torque limits were 2, 1 N·m and here they are 2, 0.5 N·m: the same action is "
        "another torque.",
        "its control period was 0.04 s, and here it is 0.05 s.",
        "its settings were robot.payload_mass 0.0, here 0.1, task.tolerance 0.02, here 0.5.",
    ]


def test_another_task_with_observations_of_the_same_size_is_said(earlier_run, tmp_path):
    config = config_from(earlier_run.folder / "policy.safetensors")
    _, *sentences = taken(config, tmp_path, task="Other-v0").sentences
    assert sentences == [
        "its task was none and this is Other-v0: the observations have to mean the same."
    ]


def test_a_path_that_is_not_there_is_refused(tmp_path):
    missing = tmp_path.parent / "missing"
    sentence = refused(missing, tmp_path)
    assert f"run.init_from is {missing}, which is not there" in sentence


def test_a_folder_that_is_no_run_is_refused(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    sentence = refused(other, tmp_path)
    assert "a folder without a config.yaml; expected the directory of a training, or a" in sentence


def test_a_file_that_is_no_policy_is_refused(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "notes.txt"
    other.write_text("no policy")
    assert "is a file of another kind; expected a policy" in refused(
        other, tmp_path, PolicyFileError
    )


def test_a_run_that_has_not_begun_is_refused(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "config.yaml").write_text("")
    assert "it holds no checkpoint" in refused(other, tmp_path, CheckpointError)


def test_a_run_that_does_not_verify_is_refused(earlier_run, tmp_path, tmp_path_factory):
    damaged = tmp_path_factory.mktemp("damaged") / "run"
    shutil.copytree(earlier_run.folder, damaged)
    (segment,) = (damaged / "checkpoints" / "replay").iterdir()
    content = bytearray(segment.read_bytes())
    content[17] ^= 1
    segment.write_bytes(content)
    sentence = refused(damaged, tmp_path, CheckpointError)
    assert "does not match the checksum of checkpoints/replay/" in sentence


def test_if_the_newest_checkpoint_is_damaged_the_one_before_is_taken_and_named(
    tmp_path, tmp_path_factory
):
    run = InlineRun(tmp_path_factory.mktemp("two"), config_of(run__seed=1))
    (run.folder / "config.yaml").write_text("")
    for _ in range(2):
        run.run(1)
        run.save()
    run.log.close()
    newest = run.folder / "checkpoints" / "generation-000002" / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    first, second = taken(config_from(run.folder), tmp_path).sentences
    assert "generation-000002 has " in first and first.endswith("The one before is taken.")
    assert "at step 9, and its last 9 transitions" in second


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("hidden", [9], "learner.hidden [8], and here it is [9]"),
        ("critics", 1, "learner.critics 2, and here it is 1"),
        ("critic_layer_norm", True, "learner.critic_layer_norm False, and here it is True"),
        ("actor_layer_norm", True, "learner.actor_layer_norm False, and here it is True"),
        ("normalise_observations", False, "learner.normalise_observations True, and here it is"),
    ],
)
def test_other_networks_are_refused(earlier_run, tmp_path, name, value, said):
    sentence = refused(earlier_run.folder, tmp_path, **{f"learner__{name}": value})
    assert said in sentence


def test_another_observation_or_number_of_joints_is_refused(earlier_run, tmp_path):
    sentence = refused(earlier_run.folder, tmp_path, about={"sizes": [4, 8, 2]})
    assert "the observation's size 2, and here it is 4" in sentence
    assert "the action's size 1, and here it is 2" in sentence
    policy = earlier_run.folder / "policy.safetensors"
    sentence = refused(policy, tmp_path, about={"sizes": [4, 8, 2]})
    assert "layer sizes [2, 8, 1], and here it is [4, 8, 2]" in sentence


@pytest.mark.parametrize(
    ("more", "about", "said"),
    [
        ({"learner__discount": 0.9}, {}, "learner.discount 0.5, and here it is 0.9"),
        ({"learner__n_step": 1}, {}, "learner.n_step 3, and here it is 1"),
        ({}, {"task": "reach"}, "task.name 'none', and here it is 'reach'"),
    ],
)
def test_rewards_that_would_mean_something_else_are_refused(
    earlier_run, tmp_path, more, about, said
):
    sentence = refused(earlier_run.folder, tmp_path, about=about, **more)
    assert said in sentence and "set learner.earlier_share: 0" in sentence
    config = config_from(earlier_run.folder, learner__earlier_share=0.0, **more)
    assert taken(config, tmp_path, **about) is not None


@pytest.mark.parametrize("what", ["memory", "disk"])
def test_a_machine_without_room_is_refused(earlier_run, tmp_path, monkeypatch, what):
    module = "ddpg_ros.training.memory_check"
    if what == "disk":
        monkeypatch.setattr(f"{module}.free_space", lambda path: 2**20)
        sentence = refused(earlier_run.folder, tmp_path, MachineError)
        assert "what is taken of the earlier run 10" in sentence
    else:
        monkeypatch.setattr("ddpg_ros.training.earlier.available_memory", lambda: 5e8 / 0.9)
        sentence = refused(earlier_run.folder, tmp_path, MachineError)
        assert "GB for the earlier run's" in sentence


def test_a_run_whose_file_is_missing_or_damaged_does_not_go_on(earlier_run, tmp_path):
    config = config_from(earlier_run.folder)
    with pytest.raises(CheckpointError, match="cannot be read"):
        warm_start_of(config, tmp_path)
    keep_earlier(taken(config, tmp_path), tmp_path)
    path = tmp_path / "warm_start.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="without it the run cannot go on"):
        warm_start_of(config, tmp_path)
