"""When an episode begins and ends; every sequence of calls keeps to the picture in the module."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ddpg_ros.control.episodes import Episodes, EpisodeState

STAMPS = st.integers(0, 20)  # [ns]


def test_an_episode_begins_with_the_first_state_after_the_arm_is_placed():
    episodes = Episodes()
    assert episodes.state is EpisodeState.IDLE
    assert not episodes.admit(1)
    episodes.ask()
    assert episodes.state is EpisodeState.RESETTING
    assert not episodes.admit(100)  # nobody knows yet where that state is from
    episodes.place(first_stamp=200)
    assert not episodes.admit(199)  # it was on its way
    assert episodes.state is EpisodeState.RESETTING
    assert episodes.admit(200)
    assert episodes.state is EpisodeState.RUNNING
    assert episodes.admit(201)
    episodes.end()
    assert episodes.state is EpisodeState.IDLE
    assert not episodes.admit(202)


def test_without_a_reset_the_stamp_is_known_when_the_episode_is_asked_for():
    episodes = Episodes()
    episodes.ask(first_stamp=51)
    assert not episodes.admit(50)
    assert episodes.admit(51)


def test_an_episode_is_left_from_its_middle_or_from_before_it():
    episodes = Episodes()
    assert not episodes.leave()
    episodes.ask(first_stamp=10)
    assert episodes.leave()
    assert not episodes.admit(10)
    episodes.ask(first_stamp=20)
    assert episodes.admit(20)
    assert episodes.leave()
    assert episodes.state is EpisodeState.IDLE


def test_after_the_last_one_there_is_no_other():
    episodes = Episodes()
    episodes.finish()
    assert episodes.state is EpisodeState.DONE
    assert not episodes.leave()
    assert not episodes.admit(1)
    with pytest.raises(ValueError, match="ask is for idle, and the run is done"):
        episodes.ask()


class AnySequence(RuleBasedStateMachine):
    """The same calls to the episodes and to a model: a state, and what the first stamp may be."""

    def __init__(self):
        super().__init__()
        self.episodes = Episodes()
        self.state, self.first = EpisodeState.IDLE, None

    def call(self, state, act, then):
        """Do something that is for one state; in every other it is refused."""
        if self.state is state:
            act()
            self.state = then
            return True
        with pytest.raises(ValueError, match=f"the run is {self.state.value}"):
            act()
        return False

    @rule(first=st.none() | STAMPS)
    def ask(self, first):
        if self.call(EpisodeState.IDLE, lambda: self.episodes.ask(first), EpisodeState.RESETTING):
            self.first = first

    @rule(first=STAMPS)
    def place(self, first):
        if self.call(
            EpisodeState.RESETTING, lambda: self.episodes.place(first), EpisodeState.RESETTING
        ):
            self.first = first

    @rule(stamp=STAMPS)
    def admit(self, stamp):
        if self.state is EpisodeState.RESETTING and self.first is not None and stamp >= self.first:
            self.state = EpisodeState.RUNNING
        assert self.episodes.admit(stamp) == (self.state is EpisodeState.RUNNING)

    @rule()
    def end(self):
        self.call(EpisodeState.RUNNING, self.episodes.end, EpisodeState.IDLE)

    @rule()
    def finish(self):
        self.call(EpisodeState.IDLE, self.episodes.finish, EpisodeState.DONE)

    @rule()
    def leave(self):
        inside = self.state in (EpisodeState.RESETTING, EpisodeState.RUNNING)
        assert self.episodes.leave() == inside
        self.state = EpisodeState.IDLE if inside else self.state

    @invariant()
    def they_agree(self):
        assert self.episodes.state is self.state


TestAnySequence = AnySequence.TestCase
