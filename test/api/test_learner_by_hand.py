"""The learner from Python: transitions in, updates out."""

import numpy as np
import pytest

from ddpg_ros import Learner
from ddpg_ros.errors import ConfigError
from ddpg_ros.types import RecordLayout, Transition


def number(value):
    return np.array([value], dtype=np.float32)


def test_a_transition_is_stored_with_its_discount_and_none_after_a_termination():
    learner = Learner.for_sizes(1, 1, settings={"learner.discount": 0.5})
    learner.add_transition(Transition(number(1), number(2), 3.0, False, number(4)))
    learner.add_transition(Transition(number(5), number(6), 7.0, True, number(8)))
    assert learner.steps == 2
    rows = learner.replay.storage[:2].numpy()
    columns = RecordLayout(1, 1).slices
    _, _, reward, discount, _ = columns
    assert rows[:, reward].tolist() == [3.0, 7.0]
    assert rows[:, discount].tolist() == [0.5, 0.0]


def test_updates_are_done_when_they_are_asked_for():
    learner = Learner.for_sizes(1, 1, settings={"learner.batch_size": 2})
    for value in range(4):
        learner.add_transition(Transition(number(value), number(0), 0.0, False, number(0)))
    assert len(learner.update(3).column("critic_loss")) == 3
    assert learner.updates == 3
    assert learner.act(np.zeros((5, 1), dtype=np.float32)).shape == (5, 1)


def test_no_updates_make_an_empty_report():
    learner = Learner.for_sizes(1, 1)
    learner.add_transition(Transition(number(1), number(0), 0.0, False, number(0)))
    assert learner.update(0).column("critic_loss") == []
    assert learner.updates == 0


def test_an_update_without_a_transition_is_refused():
    with pytest.raises(ConfigError, match="holds no transition; add some before an update"):
        Learner.for_sizes(1, 1).update()


@pytest.mark.parametrize("part", ["observation", "action", "next_observation"])
def test_one_number_is_not_spread_over_an_observation_or_action_of_three(part):
    three = np.zeros(3, dtype=np.float32)
    good = Transition(three, three, 0.0, False, three)
    learner = Learner.for_sizes(3, 3)
    with pytest.raises(
        ConfigError, match=rf"{part} has the shape \(1,\); this learner takes \(3,"
    ):
        learner.add_transition(good._replace(**{part: number(1)}))
    assert learner.steps == 0


def test_an_unknown_setting_is_refused():
    with pytest.raises(ConfigError, match=r"no setting 'batch_size'; .* 'learner.batch_size'\?"):
        Learner.for_sizes(1, 1, settings={"batch_size": 2})
