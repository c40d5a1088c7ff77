"""The learner's death and revival in real time, with real processes.

The cheap ones of `puppets.py` publish the number of their life as weights.
"""

import csv
import os
import signal
import time

import numpy as np
import puppets
import pytest
from test_client import SIZES, gone, make_config, start, transitions

from ddpg_ros.algo.checkpoint import load_checkpoint
from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.networks_in_file import LEARNER
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import load_policy
from ddpg_ros.errors import LearnerDiedError
from ddpg_ros.files.generations import list_generations, read_generation
from ddpg_ros.training.learning_actor import LearningActor
from ddpg_ros.types import Episode, RecordLayout, Transition
from ddpg_ros.worker.main import learn
from ddpg_ros.worker.replay_files import ReplayFiles
from ddpg_ros.worker.supervision import BACK_OFF
from test.conftest import wait_until

pytestmark = pytest.mark.usefixtures("warm_learners")

SHORT = (0.01,) * 5  # [s]
EPISODE = Episode(1.0, 10, True, False, {"x": 1.0})
LONG = 90.0  # [s] for what takes one second where nothing else runs
PAUSE = 1.5  # [s]; who waits for the learner waits for as long,
NEVER_BLOCKS = 1.0  # [s]; and who does not, at most for a loaded machine


@pytest.fixture
def begin(tmp_path):
    """Start a learner in real time; none outlives its test."""
    begun = []

    def begin(target=puppets.obeys, back_off=SHORT, **settings):
        config = make_config(run__clock="realtime", **settings)
        begun.append(start(tmp_path, config, target=target, back_off=back_off))
        return begun[-1]

    yield begin
    for learner in begun:
        learner.cancelled = True
        learner.stop(1.0, 1.0)
        assert gone(learner.pid)


def is_well(learner, restarts):
    return learner.health.state == "learning" and learner.health.restarts == restarts


def await_well(learner, restarts=0):
    wait_until(lambda: is_well(learner, restarts), LONG, f"life {restarts + 1}")


def push(learner, count, seed=0):
    for _, transition in zip(range(count), transitions(seed), strict=False):
        learner.push(transition)


def hurt(learner, number):
    """Send a signal to the learner; return its process id."""
    pid = learner.pid
    os.kill(pid, number)
    return pid


# what the agent sees


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_learner_that_is_lost_is_revived_and_the_agent_never_waits(begin, number):
    learner = begin(back_off=(PAUSE,))
    await_well(learner)
    assert learner.newer_weights().tolist() == [1.0] * learner._mailbox.size
    pid, longest, absences, states, taken = hurt(learner, number), 0.0, [], [], []
    deadline = time.monotonic() + LONG
    while not is_well(learner, 1):
        assert time.monotonic() < deadline
        began = time.monotonic()
        push(learner, 1)
        learner.end_episode(1, EPISODE)
        taken.append(learner.newer_weights())
        learner.check()
        learner.save()
        longest = max(longest, time.monotonic() - began)
        absences.append(learner.absent_for(time.monotonic()))
        assert taken[-1] is None or not absences[-1]
        states.append(learner.health.state)
        time.sleep(0.001)
    assert longest < NEVER_BLOCKS
    assert max(absences) > PAUSE
    assert "restarting" in states and set(states) <= {"learning", "silent", "restarting"}
    assert learner.absent_for(time.monotonic()) == 0.0
    assert gone(pid)
    steps = len(taken)
    taken.append(learner.newer_weights())  # unless it came in the last turn
    (revived,) = (weights for weights in taken if weights is not None)
    assert revived.tolist() == [2.0] * learner._mailbox.size
    wait_until(lambda: learner._ring.popped == steps, LONG, what="all that was pushed meanwhile")
    assert learner.dropped == 0


@pytest.mark.slow
def test_a_learner_that_hangs_in_a_call_is_killed(begin):
    learner = begin(puppets.hangs_when_asked_to_save)
    await_well(learner)
    pid = learner.pid
    learner.save()
    wait_until(lambda: learner.absent, LONG)
    assert learner.absent_for(time.monotonic()) >= 0.9  # since its last sign of life
    await_well(learner, 1)
    assert gone(pid)


def test_episodes_that_end_without_a_learner_are_told_to_the_next(begin):
    learner = begin(back_off=(0.2,))
    await_well(learner)
    hurt(learner, signal.SIGKILL)
    wait_until(lambda: learner.absent, LONG)
    for step in (10, 20):
        learner.end_episode(step, EPISODE)
    await_well(learner, 1)
    learner.end_episode(30, EPISODE)
    assert learner.stop(LONG, LONG).updates == 3  # this puppet counts episodes


def test_a_half_written_set_of_weights_is_never_read_and_versions_go_on(begin):
    learner = begin(puppets.dies_in_the_middle_of_publishing)
    learner.wait_until_ready()
    push(learner, 1)  # wakes it
    seen = []
    deadline = time.monotonic() + LONG
    while not is_well(learner, 1):
        assert time.monotonic() < deadline
        seen.append(learner.newer_weights())
        time.sleep(0.001)
    seen.append(learner.newer_weights())
    sets = [set(weights.tolist()) for weights in seen if weights is not None]
    assert sets[-1] == {3.0}
    assert all(len(one) == 1 for one in sets)
    assert learner.health.version == 3


def test_weights_that_are_not_newer_are_ignored(begin):
    learner = begin()
    await_well(learner)
    assert learner.newer_weights() is not None
    learner._version = 5  # as if the agent had newer ones
    assert learner.newer_weights() is None
    assert learner._version == 5


def test_without_a_learner_the_actor_is_frozen_and_does_not_explore(begin):
    learner = begin(back_off=(1e6,))
    await_well(learner)
    config = Config().with_parameters(
        {"learner.hidden": [8], "learner.warmup_steps": 3, "noise.sigma": 0.5}
    )
    actor = LearningActor(learner, config, SIZES, False, np.random.default_rng(1))
    observation = np.array([0.1, -0.2, 0.3], dtype=np.float32)
    for _ in range(4):
        step = Transition(observation, np.zeros(2, dtype=np.float32), 0.0, False, observation)
        actor.record(step)
    actor._policy.weights = actor._policy.weights * 0.01  # far from where noise is cut
    greedy = actor._policy(observation).tolist()
    assert actor.select_action(observation).tolist() != greedy
    hurt(learner, signal.SIGKILL)
    wait_until(lambda: learner.absent, LONG)
    for _ in range(3):
        assert actor.select_action(observation).tolist() == greedy
        actor.record(step)
    actor.steps = 0  # the warm-up, too
    assert actor.select_action(observation).tolist() == greedy


# when it is given up


@pytest.mark.slow
def test_one_that_dies_at_every_start_is_given_up_after_five(begin):
    learner = begin(puppets.dies_at_once)
    with pytest.raises(LearnerDiedError) as caught:
        learner.wait_until_ready()
    sentence = str(caught.value)
    assert sentence.startswith("the learner was lost 6 times and started again 5 times")
    assert "it ended unasked, with exit code 3" in sentence
    assert "learner.replay_capacity" in sentence
    assert (learner.health.state, learner.health.restarts) == ("gone", 5)


@pytest.mark.slow
def test_one_that_is_never_well_again_is_given_up_while_the_agent_goes_on(begin):
    learner = begin(puppets.dies_when_revived)
    await_well(learner)
    hurt(learner, signal.SIGKILL)
    wait_until(lambda: learner.health.state == "gone", LONG)
    push(learner, 1)
    learner.end_episode(1, EPISODE)
    assert learner.newer_weights() is None
    assert learner.absent_for(time.monotonic()) > 0.0
    assert learner.save().answer.error == "there is no learner at present"
    with pytest.raises(LearnerDiedError, match="lost 6 times and started again 5 times"):
        learner.check()
    assert learner.stop(1.0, 1.0) is None


def test_one_that_says_why_it_cannot_be_is_not_started_again(begin):
    learner = begin(puppets.says_why)
    with pytest.raises(LearnerDiedError, match=r"^learner\.device is 'gpu'; expected cpu\.$"):
        learner.wait_until_ready()
    assert learner.health.restarts == 0


def test_pauses_grow_and_there_are_five():
    assert BACK_OFF == (0.5, 1.0, 2.0, 4.0, 8.0)


def test_stopping_while_one_is_revived_does_not_wait_for_the_pause(begin):
    learner = begin(back_off=(1e6,))
    await_well(learner)
    hurt(learner, signal.SIGKILL)
    wait_until(lambda: learner.absent, LONG)
    began = time.monotonic()
    learner.cancelled = True
    assert learner.stop(LONG, 1.0) is None
    assert time.monotonic() - began < 2.0


def test_a_patient_stop_waits_for_the_one_that_is_being_revived(begin):
    learner = begin(back_off=(0.1,))
    await_well(learner)
    hurt(learner, signal.SIGKILL)
    wait_until(lambda: learner.absent, LONG)
    assert learner.stop(LONG, 1.0) is not None
    assert learner.health.restarts == 1


def test_a_patient_stop_does_not_wait_for_one_that_hangs(begin):
    learner = begin(back_off=())
    await_well(learner)
    pid = hurt(learner, signal.SIGSTOP)
    began = time.monotonic()
    assert learner.stop(LONG, LONG) is None
    assert time.monotonic() - began < LONG / 2
    assert gone(pid)


# requests to save


def test_a_request_to_save_is_answered(begin):
    learner = begin()
    await_well(learner)
    first, second = learner.save(), learner.save()
    wait_until(lambda: second.answer is not None)
    assert (first.answer.error, second.answer.error) == ("", "")


def test_a_request_to_one_that_dies_fails(begin):
    learner = begin(puppets.hangs_when_asked_to_save)
    await_well(learner)
    request = learner.save()
    wait_until(lambda: request.answer is not None, LONG)
    assert request.answer.error == "the learner ended before it had saved"


# the real learner


def rows_of(run_dir):
    with (run_dir / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def checkpoint_of(run_dir):
    layout = RecordLayout(SIZES[0], SIZES[-1])
    settings = make_config().learner
    like = Learner(settings, layout, 0)
    path = list_generations(run_dir / "checkpoints")[0][1]
    generation = read_generation(path, run_dir)
    loaded = load_checkpoint(path / LEARNER, like.checkpoint(), settings, layout)
    like.restore(loaded)
    ReplayFiles(run_dir, settings.replay_capacity, layout.width).restore(like.replay, generation)
    return like, like.actor_weights()


def save(learner):
    request = learner.save()
    wait_until(lambda: request.answer is not None, LONG, "the answer to a request to save")
    return request.answer.error


REAL = learn  # what the process runs without a target of a test


@pytest.mark.slow
def test_a_revived_learner_goes_on_from_its_checkpoint(begin, tmp_path):
    learner = begin(REAL)
    await_well(learner)
    push(learner, 50)
    wait_until(lambda: learner.updates == 45, LONG)
    learner.end_episode(50, EPISODE)
    wait_until(lambda: len(rows_of(tmp_path)) == 1, LONG)
    assert save(learner) == ""
    checkpoint, saved_weights = checkpoint_of(tmp_path)
    assert (checkpoint.steps, checkpoint.updates) == (50, 45)
    push(learner, 10, seed=1)
    wait_until(lambda: learner._progress.value == 60, LONG)  # their weights are there, too
    assert learner.updates == 55
    frozen = learner.newer_weights()
    version = learner.health.version
    assert frozen.tobytes() != saved_weights.tobytes()

    with (tmp_path / "metrics.csv").open("a", encoding="utf-8") as file:
        file.write("70,2,1")  # as one that is killed in the middle of a row leaves it
    hurt(learner, signal.SIGKILL)
    await_well(learner, 1)
    assert learner.newer_weights().tobytes() == saved_weights.tobytes()
    assert learner.health.version == version + 1
    assert (learner.updates, learner.health.replay_fill) == (45, 50)

    push(learner, 4, seed=3)
    wait_until(lambda: learner.updates == 49, LONG)  # and no debt of the time before
    learner.end_episode(64, EPISODE)
    stopped = learner.stop(LONG, LONG)
    assert stopped.updates == 49
    assert load_policy(stopped.policy).about.updates == 49
    rows = rows_of(tmp_path)
    assert [(row["step"], row["episode"], row["updates"]) for row in rows] == [
        ("50", "1", "45"),
        ("64", "2", "49"),
    ]


@pytest.mark.slow
def test_a_real_learner_that_is_stopped_is_noticed_and_revived(begin):
    learner = begin(REAL)
    await_well(learner)
    pid = hurt(learner, signal.SIGSTOP)
    await_well(learner, 1)
    assert gone(pid)


@pytest.mark.slow
def test_one_for_which_there_is_no_memory_is_revived(begin, capfd, spawned_learners):
    learner = begin(puppets.runs_out_of_memory)
    await_well(learner)
    push(learner, 60)
    await_well(learner, 1)
    push(learner, 60, seed=1)
    wait_until(lambda: learner.updates >= 44, LONG)
    error = capfd.readouterr().err
    assert "MemoryError" in error
    assert "begins with fresh networks" in error


@pytest.mark.slow
def test_one_whose_checkpoints_are_damaged_is_not_revived_into_nothing(begin, tmp_path):
    learner = begin(REAL)
    await_well(learner)
    assert (save(learner), save(learner)) == ("", "")
    for _, folder in list_generations(tmp_path / "checkpoints"):
        path = folder / LEARNER
        path.write_bytes(path.read_bytes()[:-3])
    hurt(learner, signal.SIGKILL)
    wait_until(lambda: learner.health.state == "gone", LONG)
    with pytest.raises(
        LearnerDiedError, match=r"no checkpoint of it can be used: .*bytes of state.safetensors"
    ):
        learner.check()
    assert load_policy(tmp_path / "policy.safetensors").about.updates == 0


@pytest.mark.slow
def test_one_that_is_killed_between_the_files_of_its_first_save_is_revived(begin, tmp_path):
    learner = begin(puppets.is_killed_after_its_first_file)
    await_well(learner)
    learner.save()
    wait_until(lambda: learner.health.state in ("restarting", "gone"), LONG)
    wait_until(lambda: is_well(learner, 1) or learner.health.state == "gone", LONG)
    learner.check()
    assert save(learner) == ""
    assert load_policy(tmp_path / "policy.safetensors").about.updates == 0


@pytest.mark.slow
def test_a_save_that_fails_says_so_and_the_training_goes_on(
    begin, tmp_path, capfd, spawned_learners
):
    learner = begin(REAL)
    await_well(learner)
    assert save(learner) == ""
    before = (tmp_path / "policy.safetensors").read_bytes()
    folder, aside = tmp_path / "checkpoints", tmp_path / "aside"
    folder.rename(aside)
    folder.touch()  # a file where a folder should be
    assert "could not save" in save(learner)
    folder.unlink()
    aside.rename(folder)
    push(learner, 50)
    wait_until(lambda: learner.updates == 45, LONG)
    assert (tmp_path / "policy.safetensors").read_bytes() == before
    assert save(learner) == ""
    assert checkpoint_of(tmp_path)[0].updates == 45
    assert "tries again later" in capfd.readouterr().err


@pytest.mark.slow
def test_a_log_that_is_slow_to_close_costs_no_last_save(begin):
    learner = begin(puppets.closes_its_log_slowly)
    await_well(learner)
    push(learner, 50)
    wait_until(lambda: learner.updates == 45, LONG)
    stopped = learner.stop(LONG, LONG)
    assert stopped is not None
    assert load_policy(stopped.policy).about.updates == 45


@pytest.mark.slow
def test_a_full_disk_ends_no_training_and_leaves_no_claim(begin, tmp_path):
    learner = begin(puppets.has_no_disk)
    await_well(learner)
    assert "File too large" in save(learner)
    push(learner, 50)
    wait_until(lambda: learner.updates == 45, LONG)
    for step in (10, 20, 30, 40, 50):
        learner.end_episode(step, EPISODE)
    stopped = learner.stop(LONG, LONG)
    assert (stopped.updates, stopped.policy) == (45, None)
    assert not (tmp_path / "policy.safetensors").exists()
    assert list_generations(tmp_path / "checkpoints") == []


@pytest.mark.slow
def test_terminated_while_it_saves_it_leaves_whole_files(tmp_path):
    learner = start(tmp_path, make_config(), target=puppets.is_terminated_while_it_saves)
    learner.wait_until_ready()
    request = learner.save()
    wait_until(lambda: not learner._supervisor.handle.alive, LONG)
    assert request.answer.error == ""
    assert learner._supervisor.handle._process.exitcode == 0
    stopped = learner.stop(1.0, 1.0)
    assert load_policy(stopped.policy).about.updates == 0
    assert checkpoint_of(tmp_path)[0].updates == 0
