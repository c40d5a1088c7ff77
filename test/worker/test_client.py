"""The learner's process for real: transitions in, weights out, and no learner without an agent."""

import csv
import functools
import hashlib
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import puppets
import pytest
from safetensors.numpy import load_file

from ddpg_ros.config.run_directory import RECORDED
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout, load_policy
from ddpg_ros.errors import LearnerDiedError
from ddpg_ros.files.generations import newest_generation
from ddpg_ros.files.status import RunStatus, read_status
from ddpg_ros.recording.records_file import save_records
from ddpg_ros.training import training_phase as training
from ddpg_ros.training.seeds import stream
from ddpg_ros.types import Episode, Experience
from ddpg_ros.worker.client import WorkerClient
from ddpg_ros.worker.messages import Resumption
from test.dotted import dotted

pytestmark = pytest.mark.usefixtures("warm_learners")

SIZES = [3, 8, 2]
STOP_TIMEOUT = 10.0  # [s]


def make_config(**settings):
    small = {"learner__hidden": [8], "learner__batch_size": 16, "learner__warmup_steps": 5}
    small["learner__mode"] = "eager"
    return Config().with_parameters(dotted(**(small | settings)))


def about(config):
    return PolicyAbout(
        sizes=SIZES,
        joints=[],
        torque_limit=[],
        control_period=0.04,
        task="none",
        urdf_sha256="",
        seed=config.run.seed,
        steps=0,
        updates=0,
        package_version="0",
        config={},
    )


def start(run_dir, config, **more):
    return WorkerClient(config, about(config), run_dir, **more)


def transitions(seed=0):
    rng = np.random.default_rng(seed)
    while True:
        numbers = rng.uniform(-1.0, 1.0, 9).astype(np.float32)
        yield Experience(numbers[:3], numbers[3:5], float(numbers[5]), 0.98, numbers[6:])


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def gone(pid):
    """Whether a process has ended; one that nobody has waited for yet has, too."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def rows_of(run_dir):
    with (run_dir / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def train_in_step(run_dir):
    """20 transitions in two episodes, waiting as lock-step does; two updates a transition."""
    learner = start(run_dir, make_config(learner__update_to_data=2.0))
    learner.wait_until_ready()
    seen, versions = [], [learner.newer_weights()]
    for step, transition in zip(range(1, 21), transitions(), strict=False):
        learner.wait_for(step - 1)
        seen.append(learner.updates)
        newer = learner.newer_weights()
        if newer is not None:
            versions.append(newer)
        learner.push(transition)
        if step % 10 == 0:
            learner.end_episode(step, Episode(-1.0 * step, 10, False, False, {"x": -1.0 * step}))
    stopped = learner.stop(
        STOP_TIMEOUT, STOP_TIMEOUT
    )  # at once: nobody waited for the last transition
    return learner, seen, versions, stopped


@pytest.fixture(scope="module")
def in_step(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("in_step")
    return run_dir, *train_in_step(run_dir)


def test_a_wait_lasts_exactly_the_updates_that_are_due(in_step):
    _, _, seen, _, _ = in_step
    # before transition k, k − 1 are learnt: two updates for each after the warm-up of 5
    assert seen == [max(0, 2 * (k - 1 - 5)) for k in range(1, 21)]


def test_weights_arrive_and_change_with_the_updates_only(in_step):
    _, _, _, versions, _ = in_step
    assert versions[0].shape == (3 * 8 + 8 + 8 * 2 + 2,)
    assert np.isfinite(versions).all()
    assert len(versions) == 1 + 14  # at the start, and after each of transitions 6 to 19
    assert len({weights.tobytes() for weights in versions}) == len(versions)


def test_stopping_in_lock_step_first_pays_what_the_last_transition_owes(in_step):
    run_dir, learner, _, _, stopped = in_step
    assert stopped.updates == 2 * (20 - 5)
    assert stopped.policy == run_dir / "policy.safetensors"
    assert learner.dropped == 0
    saved = load_policy(stopped.policy).about
    assert (saved.steps, saved.updates) == (20, 30)


def test_the_policy_file_holds_the_weights_published_last(in_step):
    _, learner, _, versions, stopped = in_step
    last = learner.newer_weights()
    assert last.tobytes() != versions[-1].tobytes()
    assert load_policy(stopped.policy).actor.weights.tobytes() == last.tobytes()


def test_every_episode_is_logged_with_all_updates_up_to_its_end(in_step):
    rows = rows_of(in_step[0])
    assert [(row["step"], row["updates"], row["return"]) for row in rows] == [
        ("10", "10", "-10.0"),
        ("20", "30", "-20.0"),
    ]


def test_the_status_file_says_in_the_end_how_far_the_training_came(in_step):
    assert read_status(in_step[0] / "status.json") == RunStatus(
        "training", 2, mean_return=-15.0, success_rate=0.0, step=20, updates=30
    )


def test_the_learner_has_ended_after_stop(in_step):
    assert gone(in_step[1].pid)


@pytest.mark.slow
def test_the_same_again_gives_the_same_bytes(in_step, tmp_path):
    train_in_step(tmp_path)
    for name in ("policy.safetensors", "metrics.csv"):
        one, other = ((folder / name).read_bytes() for folder in (in_step[0], tmp_path))
        assert hashlib.sha256(one).digest() == hashlib.sha256(other).digest(), name


@pytest.mark.slow
def test_numbers_below_the_normal_ones_count_as_zero_in_the_learners_process(tmp_path):
    from ddpg_ros.algo.networks_in_file import LEARNER

    learner = start(tmp_path, make_config())
    learner.wait_until_ready()
    for transition in itertools.islice(transitions(), 30):
        tiny = transition.observation * np.float32(1e-39)  # and so the gradient of its weights
        learner.push(transition._replace(observation=tiny))
    learner.stop(STOP_TIMEOUT, STOP_TIMEOUT)
    newest, _ = newest_generation(tmp_path / "checkpoints", tmp_path)
    saved = load_file(str(newest.path / LEARNER))
    gradients = np.abs(saved["critic_optimiser.mean"])
    assert (gradients > 0.0).any()
    assert not ((gradients > 0.0) & (gradients < np.finfo(np.float32).tiny)).any()


@pytest.mark.slow
def test_without_waiting_the_updates_come_in_the_ratio(tmp_path):
    config = make_config(learner__update_to_data=0.5, run__clock="realtime")
    learner = start(tmp_path, config)
    learner.wait_until_ready()
    for _, transition in zip(range(105), transitions(), strict=False):
        learner.push(transition)
    assert wait_until(lambda: learner.updates >= 50)
    learner.wait_for(105)
    assert learner.updates == 50  # half of 100, and no more
    assert learner.health.replay_fill == 105
    assert learner.stop(STOP_TIMEOUT, STOP_TIMEOUT).updates == 50


@pytest.mark.slow
def test_taking_turns_a_dead_learner_is_noticed(tmp_path):
    learner = start(tmp_path, make_config())
    learner.wait_until_ready()
    assert learner.health.state == "learning"
    os.kill(learner.pid, signal.SIGKILL)
    began = time.monotonic()
    with pytest.raises(LearnerDiedError, match=r"^the learner ended unasked, with exit code -9 "):
        learner.wait_for(1)
    assert time.monotonic() - began < 8.0
    assert learner.health.state == "gone"
    assert learner.absent_for(time.monotonic()) == 0.0
    learner.end_episode(105, Episode(0.0, 1, False, False, {}))  # nothing to hear it, no error
    assert learner.save().answer.error
    assert learner.stop(STOP_TIMEOUT, STOP_TIMEOUT) is None
    assert time.monotonic() - began < 8.0


@pytest.mark.slow
@pytest.mark.slow
def test_a_learner_that_still_compiles_is_waited_for_and_one_that_hangs_is_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("ddpg_ros.worker.client.WAIT_TIMEOUT", 0.8)
    for target, answers in ((puppets.compiles_for_long, True), (puppets.idles, False)):
        learner = start(tmp_path, make_config(), target=target)
        learner.wait_until_ready()
        learner.push(next(transitions()))
        if answers:
            learner.wait_for(1)  # more than twice the timeout
        else:
            with pytest.raises(LearnerDiedError, match=r"was expected within 0\.8 s\. See its"):
                learner.wait_for(1)
        learner.stop(0.1, 0.1)


def test_one_that_has_saved_and_ended_before_it_was_told_to_is_heard(tmp_path):
    learner = start(tmp_path, make_config())
    learner.wait_until_ready()
    os.kill(learner.pid, signal.SIGTERM)  # to the whole group, while the agent is busy
    assert wait_until(lambda: not learner._supervisor.handle.alive)
    stopped = learner.stop(STOP_TIMEOUT, STOP_TIMEOUT)
    assert load_policy(stopped.policy).about.updates == 0


@pytest.mark.slow
def test_an_offline_training_that_is_stopped_is_saved_and_goes_on_to_its_last_update(tmp_path):
    records = np.random.default_rng(1).uniform(-1.0, 1.0, (64, 10)).astype(np.float32)
    save_records(tmp_path / RECORDED, records, {})
    given = {"run__offline": True, "run__recordings": ["a.mcap"]}
    worker = start(tmp_path, make_config(**given, run__steps=10**8))
    try:
        assert wait_until(lambda: worker.updates > 20)
        stopped = worker.stop(STOP_TIMEOUT, STOP_TIMEOUT, 0)
    finally:
        worker.stop(0.0, 0.0)
    assert stopped.policy == tmp_path / "policy.safetensors"
    newest, _ = newest_generation(tmp_path / "checkpoints", tmp_path)
    assert (
        newest.document["updates"] == stopped.updates == load_policy(stopped.policy).about.updates
    )
    steps = stopped.updates + 30
    worker = start(
        tmp_path, make_config(**given, run__steps=steps), resumed=Resumption(newest.path, 0)
    )
    try:
        assert wait_until(lambda: worker.updates >= steps)
        assert worker.stop(STOP_TIMEOUT, STOP_TIMEOUT, 0).updates == steps
    finally:
        worker.stop(0.0, 0.0)


def test_a_learner_that_cannot_start_says_why(tmp_path):
    learner = start(tmp_path, make_config(learner__device="gpu"))
    with pytest.raises(LearnerDiedError, match=r"^learner\.device is 'gpu'"):
        learner.wait_until_ready()
    assert gone(learner.pid)


def test_one_that_fails_with_the_last_updates_says_why(tmp_path, monkeypatch):
    fails = functools.partial(WorkerClient, target=puppets.fails_at_the_end)
    monkeypatch.setattr(training, "WorkerClient", fails)
    config = make_config()
    whole = training.TrainingPhase(config, about(config), tmp_path, stream(0, 1))
    whole.worker.wait_until_ready()
    with pytest.raises(LearnerDiedError, match=r"^the learner diverges\.$"):
        whole.finish()


def test_a_cancelled_wait_ends_at_once_and_a_learner_that_is_not_ready_is_not_waited_for(tmp_path):
    learner = start(tmp_path, make_config())
    learner.cancelled = True
    began = time.monotonic()
    learner.wait_until_ready()
    learner.wait_for(1000)
    assert learner.stop(STOP_TIMEOUT, STOP_TIMEOUT) is None  # nothing to save yet
    assert time.monotonic() - began < 5.0  # and not for its start
    assert gone(learner.pid)


PARENT = """
    import os, pathlib, signal, sys, time
    {before}
    sys.path.insert(0, {here!r})
    from test_client import make_config, start
    learner = start(pathlib.Path({run_dir!r}), make_config())
    {after}
    learner.wait_until_ready()
    print(learner.pid, "torch" in sys.modules, flush=True)
    time.sleep(60)
"""


def start_parent(run_dir, before="", after=""):
    """Start a process that starts a learner; return it and the learner's process id."""
    here = os.path.dirname(__file__)
    source = textwrap.dedent(PARENT).format(
        before=before, after=after, here=here, run_dir=str(run_dir)
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pid, torch = parent.stdout.readline().split()
    assert torch == "False"
    return parent, int(pid)


@pytest.mark.slow
def test_the_learner_does_not_outlive_an_agent_that_is_killed(tmp_path):
    parent, pid = start_parent(tmp_path)
    assert not gone(pid)
    parent.kill()
    assert wait_until(lambda: gone(pid))
    assert "Traceback" not in parent.communicate(timeout=60)[1]


@pytest.mark.slow
def test_ctrl_c_while_the_learner_is_starting_does_not_reach_it(tmp_path):
    parent, pid = start_parent(
        tmp_path,
        before="signal.signal(signal.SIGINT, lambda *_: None)",
        after="os.killpg(0, signal.SIGINT)",  # as a terminal does: parent and child
    )
    assert not gone(pid)  # it became ready
    parent.kill()
    assert "Traceback" not in parent.communicate(timeout=60)[1]


@pytest.mark.slow
@pytest.mark.ros
def test_the_learner_loads_no_rclpy_though_its_parent_has(tmp_path):
    pytest.importorskip("rclpy")
    parent, pid = start_parent(tmp_path, "import rclpy")
    try:
        libraries = {}
        for number in (parent.pid, pid):
            with open(f"/proc/{number}/maps", encoding="utf-8") as file:
                libraries[number] = file.read()
        assert "rclpy" in libraries[parent.pid]
        assert "rclpy" not in libraries[pid]
        assert "torch" in libraries[pid]
        assert "torch" not in libraries[parent.pid]
    finally:
        parent.kill()
        parent.communicate(timeout=60)
    assert wait_until(lambda: gone(pid))


def imported_by(statement):
    """Top-level names of what a statement imports into a fresh process."""
    source = f"import sys\n{statement}\nprint(*sorted(name.split('.')[0] for name in sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )
    return set(output.stdout.split())


def test_importing_the_package_imports_nothing_heavy():
    heavy = {"torch", "numpy", "rclpy", "pybullet", "pydantic", "gymnasium", "matplotlib", "typer"}
    assert "ddpg_ros" in (modules := imported_by("import ddpg_ros"))
    assert not modules & heavy


def test_the_agents_side_of_the_link_imports_no_torch():
    modules = imported_by("import ddpg_ros.training.training_phase, ddpg_ros.training.arm_session")
    assert "numpy" in modules
    assert not modules & {"torch", "rclpy", "pybullet"}


@pytest.mark.ros
def test_the_agent_node_imports_no_torch():
    pytest.importorskip("rclpy")
    modules = imported_by("import ddpg_ros.ros.nodes.agent")
    assert "rclpy" in modules
    assert not modules & {"torch", "pybullet"}
