"""The actor that learns, in lock-step over several steps: one record at a time, always."""

import numpy as np
import puppets
import pytest

from ddpg_ros.training.learning_actor import LearningActor
from ddpg_ros.training.n_step import NStep
from ddpg_ros.types import Episode, Transition
from test.worker.test_client import SIZES, STOP_TIMEOUT, make_config, start

pytestmark = pytest.mark.usefixtures("warm_learners")

EPISODE = Episode(1.0, 5, False, False, {})
STEPS = 5  # of an episode
ENDS = ("terminated", "time limit", "abandoned", "time limit")
CONFIG = {"learner__n_step": 3, "learner__update_to_data": 2.0}


def episodes():
    """Episodes of five steps, each with how it ends."""
    rng = np.random.default_rng(1)
    for end in ENDS:
        places = rng.uniform(-1.0, 1.0, (STEPS + 1, 3)).astype(np.float32)
        actions = rng.uniform(-1.0, 1.0, (STEPS, 2)).astype(np.float32)
        yield (
            end,
            [
                Transition(
                    places[k],
                    actions[k],
                    float(k),
                    end == "terminated" and k == STEPS - 1,
                    places[k + 1],
                )
                for k in range(STEPS)
            ],
        )


def act(learner, config):
    actor = LearningActor(learner, config, SIZES, config.synchronous, np.random.default_rng(1))
    for end, steps in episodes():
        for step in steps:
            actor.record(step)
        if end == "abandoned":
            actor.abandon()
        else:
            actor.end_episode(EPISODE)


@pytest.fixture
def begin(tmp_path):
    """Start a learner that takes turns; none outlives its test."""
    begun = []

    def begin(**more):
        folder = tmp_path / str(len(begun))
        folder.mkdir()
        begun.append(start(folder, make_config(**CONFIG), **more))
        return begun[-1]

    yield begin
    for learner in begun:
        learner.cancelled = True
        learner.stop(1.0, 1.0)


def test_the_learner_never_finds_two_records_at_once(begin):
    learner = begin(target=puppets.counts_what_it_finds)
    learner.wait_until_ready()
    act(learner, make_config(**CONFIG))
    assert learner._ring.pushed == len(ENDS) * STEPS
    assert learner.stop(STOP_TIMEOUT, STOP_TIMEOUT).updates == 1  # this puppet tells the most


@pytest.mark.slow
def test_an_episodes_end_trains_as_its_records_one_by_one(begin):
    learner, other = begin(), begin()
    learner.wait_until_ready()
    other.wait_until_ready()
    config = make_config(**CONFIG)
    act(learner, config)
    n_step = NStep(3, config.learner.discount)
    for _, steps in episodes():
        for record in [one for step in steps for one in n_step.add(step)] + n_step.end():
            other.wait_for(other._ring.pushed)
            other.push(record)
    words = [one.stop(STOP_TIMEOUT, STOP_TIMEOUT) for one in (learner, other)]
    assert [word.updates for word in words] == [2 * (20 - 5)] * 2  # the warm-up is 5
    one, two = (word.policy.read_bytes() for word in words)
    assert one == two
