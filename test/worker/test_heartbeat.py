"""Signs of life: who is silent for too long, and who only seems so."""

import pytest

from ddpg_ros.worker.heartbeat import (
    HEARTBEAT_TIMEOUT,
    Heartbeat,
    HeartbeatMonitor,
    UpdateTimer,
)


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def looks(listener, clock, seconds, every=0.1):
    """Look every so often for so long; return when it was first too silent [s], or None."""
    for number in range(1, round(seconds / every) + 1):
        clock.now += every
        if listener.look():
            return round(number * every, 6)
    return None


def test_silence_for_longer_than_the_timeout_is_noticed(clock):
    pulse = Heartbeat()
    pulse.beat()
    listener = HeartbeatMonitor(pulse, clock)
    assert looks(listener, clock, 10.0) == pytest.approx(HEARTBEAT_TIMEOUT + 0.1, abs=0.11)


def test_a_beat_ends_the_silence(clock):
    pulse = Heartbeat()
    listener = HeartbeatMonitor(pulse, clock)
    for _ in range(5):
        pulse.beat()
        assert looks(listener, clock, 1.8) is None
        assert listener.silence == pytest.approx(1.7)  # the first look saw the beat
    pulse.beat()
    listener.look()
    assert listener.silence == 0.0


def test_a_longer_silence_may_be_announced_and_ends_with_the_next_beat(clock):
    pulse = Heartbeat()
    pulse.beat(allowance=20.0)
    listener = HeartbeatMonitor(pulse, clock)
    assert looks(listener, clock, 19.0) is None
    pulse.beat()
    assert looks(listener, clock, 5.0) == pytest.approx(HEARTBEAT_TIMEOUT + 0.2, abs=0.11)


def test_time_in_which_the_listener_itself_was_away_counts_little(clock):
    pulse = Heartbeat()
    pulse.beat()
    listener = HeartbeatMonitor(pulse, clock)
    clock.now += 3600.0  # the machine slept
    assert not listener.look()
    assert listener.silence == 0.5


def test_updates_show_beside_the_pulse():
    pulse = Heartbeat()
    pulse.show(7, 40)
    assert (pulse.updates, pulse.replay_fill) == (7, 40)


def test_a_first_update_may_take_a_minute_and_a_later_one_ten_times_the_last():
    pace = UpdateTimer()
    assert pace.updates(32, compiling=False) == 60.0
    pace.took(32, 0.064, compiling=False)
    assert pace.updates(32, compiling=False) == HEARTBEAT_TIMEOUT  # ten times 64 ms is less
    pace.took(1, 0.5, compiling=False)
    assert pace.updates(2, compiling=False) == pytest.approx(10.0)


def test_the_first_update_after_a_compilation_is_a_first_one_again():
    pace = UpdateTimer()
    pace.took(1, 0.001, compiling=True)
    assert pace.updates(1, compiling=True) == pace.turn(compiling=True) > HEARTBEAT_TIMEOUT
    assert pace.updates(1, compiling=False) == 60.0
