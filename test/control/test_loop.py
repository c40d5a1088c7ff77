"""The tick: what a transition holds, when an episode ends, what it adds up to."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.control.loop import ControlLoop
from ddpg_ros.errors import TaskFailedError
from ddpg_ros.safety.guard import Guard
from ddpg_ros.types import JointState
from test.limits import make_limits

PERIOD = 0.1  # [s]
LIMIT = np.array([4.0, 2.0])  # [N·m]


class Task:
    """Pays −position and −10 |action|; ends by itself beyond position 100."""

    observation_size = 2
    terms = ("position", "effort")

    def __init__(self):
        self.goal = np.zeros(3)

    def reset(self, rng):
        self.goal = rng.uniform(-1.0, 1.0, 3)
        self.calls = []

    def advance(self, state):
        self.calls.append(("advance", state.stamp))

    def observe(self, state):
        self.calls.append(("observe", state.stamp))
        return state.position.astype(np.float32)

    def reward(self, state, action):
        effort = -10.0 * float(np.abs(action).sum())
        return {"position": -float(state.position[0]), "effort": effort}

    def terminated(self, state):
        return bool(state.position[0] > 100.0)

    def success(self, state):
        return bool(state.position[0] == 7.0)


class Actor:
    """Asks for a fixed action and keeps what it is told."""

    def __init__(self, *action):
        self.action = np.array(action, dtype=np.float32)
        self.seen, self.transitions, self.episodes = [], [], []
        self.abandoned = 0

    def select_action(self, observation):
        self.seen.append(observation)
        return self.action

    def record(self, transition):
        self.transitions.append(transition)

    def end_episode(self, episode):
        self.episodes.append(episode)

    def abandon(self):
        self.abandoned += 1


def make_guard(rate):
    return Guard(make_limits(torque=tuple(LIMIT), torque_rate=rate), PERIOD)


def make_loop(actor, rate=1e6, steps=1000, seed=0):
    loop = ControlLoop(Task(), actor, make_guard(rate), LIMIT, steps, np.random.default_rng(seed))
    loop.begin_episode()
    return loop


def tick(loop, position):
    state = JointState(0, np.array([position, 0.5]), np.zeros(2))
    return loop.tick(state, PERIOD)


def test_an_action_becomes_that_share_of_the_torque_limit():
    first = tick(make_loop(Actor(0.5, -1.0)), 1.0)
    assert first.torque.tolist() == [2.0, -2.0]
    assert (first.over, first.episode) == (False, None)


def test_a_transition_carries_what_was_applied_not_what_was_asked():
    actor = Actor(1.0, 1.0)  # 4 and 2 N·m, and the guard lets torque move by 1 N·m a tick
    loop = make_loop(actor, rate=10.0)
    assert tick(loop, 1.0).torque.tolist() == [1.0, 1.0]
    assert tick(loop, 2.0).torque.tolist() == [2.0, 2.0]
    tick(loop, 3.0)
    first, second = actor.transitions
    assert first.action.tolist() == [0.25, 0.5]
    assert second.action.tolist() == [0.5, 1.0]
    assert first.action.dtype == np.float32


def test_the_reward_is_that_of_the_applied_action_in_the_state_it_led_to():
    actor = Actor(1.0, 0.0)
    loop = make_loop(actor, rate=10.0)
    tick(loop, 1.0)
    tick(loop, 2.0)
    assert actor.transitions[0].reward == -2.0 - 10.0 * 0.25


def test_observations_are_of_the_state_before_and_the_state_after():
    actor = Actor(0.0, 0.0)
    loop = make_loop(actor)
    for position in (1.0, 2.0, 3.0):
        tick(loop, position)
    before = [transition.observation.tolist() for transition in actor.transitions]
    after = [transition.next_observation.tolist() for transition in actor.transitions]
    assert before == [[1.0, 0.5], [2.0, 0.5]]
    assert after == [[2.0, 0.5], [3.0, 0.5]]
    assert loop.steps == 2


def test_the_time_limit_truncates_and_does_not_terminate():
    actor = Actor(1.0, 1.0)
    loop = make_loop(actor, steps=3)
    assert [tick(loop, 1.0).over for _ in range(3)] == [False, False, False]
    last = tick(loop, 1.0)
    assert last.over
    assert last.torque.tolist() == [0.0, 0.0]
    assert last.episode.length == 3
    assert last.episode.terminated is False
    assert [transition.terminated for transition in actor.transitions] == [False] * 3
    assert actor.episodes == [last.episode]
    assert len(actor.seen) == 3  # nothing is asked of the actor in the last state


def test_termination_ends_the_episode_and_is_in_the_transition():
    actor = Actor(0.0, 0.0)
    loop = make_loop(actor, steps=3)
    tick(loop, 1.0)
    last = tick(loop, 101.0)
    assert last.over
    assert (last.episode.length, last.episode.terminated) == (1, True)
    assert [transition.terminated for transition in actor.transitions] == [True]


def test_terminating_in_the_last_step_is_terminating():
    actor = Actor(0.0, 0.0)
    loop = make_loop(actor, steps=1)
    tick(loop, 1.0)
    assert tick(loop, 101.0).episode.terminated is True
    assert actor.transitions[0].terminated is True


@pytest.mark.parametrize(("position", "success"), [(7.0, True), (6.0, False)])
def test_success_is_judged_in_the_last_state(position, success):
    loop = make_loop(Actor(0.0, 0.0), steps=2)
    tick(loop, 7.0)
    tick(loop, 7.0)
    assert tick(loop, position).episode.success is success


def test_abandoning_an_episode_drops_the_open_step_and_tells_the_actor():
    actor = Actor(0.0, 0.0)
    loop = make_loop(actor, steps=2)
    tick(loop, 1.0)
    tick(loop, 2.0)
    loop.abandon()
    loop.begin_episode()
    tick(loop, 50.0)  # not what the action in state 2 led to
    assert [t.next_observation[0] for t in actor.transitions] == [2.0]
    tick(loop, 51.0)
    episode = tick(loop, 52.0).episode
    assert episode.length == 2
    assert episode.episode_return == -51.0 - 52.0
    assert loop.steps == 3
    assert actor.episodes == [episode]  # the discarded one is none
    assert actor.abandoned == 1


def test_a_new_episode_starts_from_the_torque_sent_last_and_another_goal():
    actor = Actor(1.0, 1.0)
    task = Task()
    loop = ControlLoop(task, actor, make_guard(10.0), LIMIT, 1, np.random.default_rng(0))
    goals = []
    for sent in (1.0, 2.0):  # the guard lets torque move by 1 N·m a tick
        loop.begin_episode()
        goals.append(task.goal.tolist())
        assert tick(loop, 1.0).torque.tolist() == [sent, sent]
        assert tick(loop, 1.0).over
    assert goals[0] != goals[1]


def test_a_task_takes_in_each_state_once_before_it_observes():
    task = Task()
    loop = ControlLoop(task, Actor(0.0, 0.0), make_guard(1e6), LIMIT, 9, np.random.default_rng(0))
    loop.begin_episode()
    for stamp in (4, 5, 6):
        loop.tick(JointState(stamp, np.zeros(2), np.zeros(2)), PERIOD)
    calls = [(call, stamp) for stamp in (4, 5, 6) for call in ("advance", "observe")]
    assert task.calls == calls


def test_the_same_seed_gives_the_same_goals():
    goals = []
    for _ in range(2):
        task = Task()
        guard = make_guard(10.0)
        ControlLoop(
            task, Actor(0.0, 0.0), guard, LIMIT, 1, np.random.default_rng(5)
        ).begin_episode()
        goals.append(task.goal.tolist())
    assert goals[0] == goals[1]


@given(
    positions=st.lists(st.floats(-50, 50), min_size=2, max_size=20),
    action=st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32)),
)
def test_the_terms_add_up_to_the_return_and_so_do_the_rewards(positions, action):
    actor = Actor(*action)
    loop = make_loop(actor, rate=10.0, steps=len(positions) - 1)
    episode = [tick(loop, position).episode for position in positions][-1]
    assert set(episode.terms) == {"position", "effort"}
    assert episode.terms["position"] == pytest.approx(-sum(positions[1:]), abs=1e-6)
    assert episode.episode_return == pytest.approx(sum(episode.terms.values()))
    rewards = sum(transition.reward for transition in actor.transitions)
    assert episode.episode_return == pytest.approx(rewards, abs=1e-6)


def test_one_episodes_terms_are_not_touched_by_the_next():
    loop = make_loop(Actor(0.0, 0.0), steps=1)
    tick(loop, 1.0)
    first = tick(loop, 2.0).episode
    loop.begin_episode()
    tick(loop, 3.0)
    tick(loop, 4.0)
    assert first.terms == {"position": -2.0, "effort": 0.0}


def test_the_guard_sees_where_the_arm_is_and_how_fast_it_moves():
    limits = make_limits(
        torque=tuple(LIMIT),
        lower=(-1.0, -9.0),
        upper=(1.0, 9.0),
        soft_lower=(-1.0, -9.0),
        soft_upper=(1.0, 9.0),
        k_velocity=1.0,
        torque_rate=1e6,
    )
    loop = ControlLoop(
        Task(), Actor(1.0, 1.0), Guard(limits, PERIOD), LIMIT, 9, np.random.default_rng(0)
    )
    loop.begin_episode()
    state = JointState(0, np.array([0.5, 8.5]), np.array([0.25, -1.25]))
    # Velocities of 0.5 rad/s are allowed: 0.5 − 0.25 N·m, and 0.5 + 1.25 N·m.
    assert loop.tick(state, PERIOD).torque.tolist() == [0.25, 1.75]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_actor_that_answers_no_number_sends_zero_torque_and_learns_that_it_did(bad):
    actor = Actor(bad, 1.0)
    loop = make_loop(actor)
    assert tick(loop, 1.0).torque.tolist() == [0.0, 0.0]
    tick(loop, 1.0)
    assert actor.transitions[0].action.tolist() == [0.0, 0.0]


def misbehaving(**methods):
    """Return a loop whose task has other methods, with a step open."""
    task = Task()
    for name, method in methods.items():
        setattr(task, name, method)
    loop = ControlLoop(task, Actor(0.0, 0.0), make_guard(1e6), LIMIT, 9, np.random.default_rng(0))
    loop.begin_episode()
    return loop


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (np.zeros(3, np.float32), r"float32 \(3,\)"),
        (np.zeros((1, 2), np.float32), r"float32 \(1, 2\)"),
        (np.zeros(2, object), r"object \(2,\)"),
        (np.zeros(2, np.complex64), r"complex64 \(2,\)"),
    ],
)
def test_an_observation_of_another_shape_or_type_than_the_task_states_is_an_error(seen, what):
    loop = misbehaving(observe=lambda state: seen)
    with pytest.raises(TaskFailedError, match=rf"Task .*vation {what}; expected float32 \(2,\)"):
        tick(loop, 0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_observation_that_is_no_number_is_an_error_and_is_never_learnt_from(bad):
    loop = misbehaving(observe=lambda state: np.array([bad, 0.0], dtype=np.float32))
    with pytest.raises(TaskFailedError, match=r"task Task .* \[(nan|inf)  *0\.\]; .* finite"):
        tick(loop, 0.0)


@pytest.mark.parametrize("error", [ValueError("one\ntwo"), SystemExit(0), RecursionError()])
@pytest.mark.parametrize("method", ["reset", "advance", "observe", "reward", "terminated"])
def test_a_task_that_fails_in_a_step_is_named_with_method_file_and_line(method, error):
    def fail(*given):
        raise error

    loop = misbehaving()
    tick(loop, 0.0)
    setattr(loop._task, method, fail)
    with pytest.raises(TaskFailedError, match=rf"Task failed in {method}\(\), .*test_loop.py:\d+"):
        loop.begin_episode() if method == "reset" else tick(loop, 1.0)
    assert loop.steps == 0


@pytest.mark.parametrize(
    ("method", "said"),
    [("observe", None), ("observe", [0.0, 0.0]), ("reward", None), ("terminated", "yes")],
)
def test_an_answer_of_another_type_is_an_error_in_its_step(method, said):
    loop = misbehaving()
    tick(loop, 0.0)
    setattr(loop._task, method, lambda *given: said)
    with pytest.raises(TaskFailedError, match=f"task Task.* {re.escape(repr(said))}"):
        tick(loop, 1.0)
    assert loop.steps == 0


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"position": 10**400, "effort": 0.0}, "finite numbers for position, effort"),
        ({"position": "1", "effort": 0.0}, "finite numbers for position, effort"),
        ({"position": float("nan"), "effort": 0.0}, "'position': nan"),
        ({"position": float("inf"), "effort": 0.0}, "'position': inf"),
        ({"position": 0.0}, "finite numbers for position, effort"),
        ({"position": 0.0, "effort": 0.0, "luck": 1.0}, "'luck': 1.0"),
    ],
)
def test_a_reward_that_cannot_be_learnt_from_is_an_error_in_its_step(terms, said):
    loop = misbehaving(reward=lambda state, action: terms)
    tick(loop, 0.0)
    with pytest.raises(TaskFailedError, match=said):
        tick(loop, 1.0)
    assert loop.steps == 0
