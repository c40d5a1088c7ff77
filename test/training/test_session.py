"""A session: from a training to the evaluation of its policy, or an evaluation alone."""

import itertools

import numpy as np
import puppets
import pytest

from ddpg_ros.control.policy import load_policy
from ddpg_ros.training import training_phase
from ddpg_ros.training.seeds import RESET_STREAM
from ddpg_ros.training.session import Session
from ddpg_ros.types import Episode, Transition
from ddpg_ros.worker.client import WorkerClient
from test.worker.test_client import about, make_config, transitions

pytestmark = pytest.mark.usefixtures("warm_learners")

EPISODE = Episode(-3.0, 4, True, False, {})


def steps_of(count):
    for one in itertools.islice(transitions(), count):
        yield Transition(one.observation, one.action, one.reward, False, one.next_observation)


@pytest.fixture
def begin(tmp_path):
    """Begins a session whose run directory is of the test; none outlives it."""
    begun = []

    def begin(policy=None, endless=False, **settings):
        config = make_config(**settings)
        begun.append(Session(config, about(config), tmp_path, RESET_STREAM, policy, endless))
        return begun[-1]

    yield begin
    for session in begun:
        session.cancel()
        session.stop()


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    """What a worker saves before it has learnt anything."""
    folder = tmp_path_factory.mktemp("policy")
    config = make_config()
    worker = WorkerClient(config, about(config), folder)
    worker.wait_until_ready()
    return load_policy(worker.stop(30.0, 30.0).policy)


def test_a_training_of_ten_steps_is_followed_by_the_evaluation_of_its_policy(begin):
    session = begin(run__steps=10, run__eval_episodes=2)
    session.worker.wait_until_ready()
    assert session.phase is session.training and session.evaluation is None
    for left, step in zip(range(10, 0, -1), steps_of(10), strict=True):
        assert (session.phase.steps_left, session.trained) == (left, False)
        session.phase.actor.record(step)
    assert session.trained
    assert session.end_training()
    assert (session.worker, session.trained) == (None, False)
    assert session.training.updates == 5  # the warm-up is 5
    saved = load_policy(session.training.policy_path)
    observation = np.array([0.1, -0.2, 0.3], dtype=np.float32)
    action = session.phase.actor.select_action(observation)
    assert action.tolist() == saved.actor(observation).tolist()
    session.phase.record(EPISODE)
    assert session.phase.progress == "greedy episode 1 of 2" and not session.phase.is_done
    session.phase.record(EPISODE)
    assert session.phase.is_done
    session.stop()
    assert session.complaints == ["", ""]


def test_a_session_with_a_policy_has_no_worker_and_only_evaluates(begin, policy):
    session = begin(policy, run__eval_episodes=1)
    assert (session.training, session.worker, session.trained) == (None, None, False)
    session.check()
    session.cancel()
    session.phase.record(EPISODE)
    assert session.phase.is_done


def test_an_endless_evaluation_is_never_done_and_keeps_nothing(begin, policy):
    session = begin(policy, endless=True, run__eval_episodes=1)
    for _ in range(3):
        session.phase.record(EPISODE)
    assert not session.phase.is_done
    assert session.evaluation.episodes == []


def test_the_two_phases_begin_their_episodes_by_streams_of_their_own(begin, policy):
    training, evaluation = begin(run__seed=7), begin(policy, run__seed=7)

    def first(number):
        return np.random.default_rng(np.random.SeedSequence([7, number])).integers(2**31)

    assert training.starts.integers(2**31) == first(5)
    assert evaluation.starts.integers(2**31) == first(4)


def test_a_session_that_is_cancelled_before_its_policy_does_not_evaluate(begin, monkeypatch):
    def never_ready(config, about, run_dir, resumed):
        return WorkerClient(config, about, run_dir, target=puppets.dies_at_once)

    monkeypatch.setattr(training_phase, "WorkerClient", never_ready)
    session = begin()
    session.cancel()
    assert not session.end_training()
    assert session.phase is session.training
