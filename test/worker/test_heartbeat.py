"""Signs of life: who is silent for too long, and who only seems so."""

import pytest

from ddpg_ros.worker.heartbeat import (
    HEARTBEAT_TIMEOUT,
    Deadline,
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


def looks(monitor, clock, seconds, every=0.1):
    """Look every so often for so long; return when it was first too silent [s], or None."""
    for number in range(1, round(seconds / every) + 1):
        clock.now += every
        if monitor.look():
            return round(number * every, 6)
    return None


def test_silence_for_longer_than_the_timeout_is_noticed(clock):
    heartbeat = Heartbeat()
    heartbeat.beat()
    monitor = HeartbeatMonitor(heartbeat, clock)
    assert looks(monitor, clock, 10.0) == pytest.approx(HEARTBEAT_TIMEOUT + 0.1, abs=0.11)


def test_a_beat_ends_the_silence(clock):
    heartbeat = Heartbeat()
    monitor = HeartbeatMonitor(heartbeat, clock)
    for _ in range(5):
        heartbeat.beat()
        assert looks(monitor, clock, 1.8) is None
        assert monitor.silence == pytest.approx(1.7)  # the first look saw the beat
    heartbeat.beat()
    monitor.look()
    assert monitor.silence == 0.0


def test_a_longer_silence_may_be_announced_and_ends_with_the_next_beat(clock):
    heartbeat = Heartbeat()
    heartbeat.beat(allowance=20.0)
    monitor = HeartbeatMonitor(heartbeat, clock)
    assert looks(monitor, clock, 19.0) is None
    heartbeat.beat()
    assert looks(monitor, clock, 5.0) == pytest.approx(HEARTBEAT_TIMEOUT + 0.2, abs=0.11)


def test_time_in_which_the_listener_itself_was_away_counts_little(clock):
    heartbeat = Heartbeat()
    heartbeat.beat()
    monitor = HeartbeatMonitor(heartbeat, clock)
    clock.now += 3600.0  # the machine slept
    assert not monitor.look()
    assert monitor.silence == 0.5


def test_updates_show_beside_the_pulse():
    heartbeat = Heartbeat()
    heartbeat.show(7, 40)
    assert (heartbeat.updates, heartbeat.replay_fill) == (7, 40)


def test_a_first_update_may_take_a_minute_and_a_later_one_ten_times_the_last():
    timer = UpdateTimer()
    assert timer.updates(32, compiling=False) == 60.0
    timer.took(32, 0.064, compiling=False)
    assert timer.updates(32, compiling=False) == HEARTBEAT_TIMEOUT  # ten times 64 ms is less
    timer.took(1, 0.5, compiling=False)
    assert timer.updates(2, compiling=False) == pytest.approx(10.0)


def test_the_first_update_after_a_compilation_is_a_first_one_again():
    timer = UpdateTimer()
    timer.took(1, 0.001, compiling=True)
    assert timer.updates(1, compiling=True) == timer.turn(compiling=True) > HEARTBEAT_TIMEOUT
    assert timer.updates(1, compiling=False) == 60.0


def test_a_deadline_passes_although_the_worker_beats_and_stays_so(clock):
    heartbeat = Heartbeat()
    deadline = Deadline(heartbeat, 120.0, clock)
    for _ in range(120):
        heartbeat.beat()
        clock.now += 1.0
        assert not deadline.has_passed
    clock.now += 0.1
    assert deadline.has_passed


def test_while_the_worker_waits_for_the_compiler_each_beat_is_an_answer(clock):
    heartbeat = Heartbeat()
    heartbeat.waits_for_compiler = True
    deadline = Deadline(heartbeat, 120.0, clock)
    for _ in range(30):  # an hour
        heartbeat.beat()
        clock.now += 119.0
        assert not deadline.has_passed
    heartbeat.waits_for_compiler = False  # from the last look on
    clock.now += 119.0
    assert not deadline.has_passed
    clock.now += 2.0
    assert deadline.has_passed


def test_a_worker_that_compiles_and_beats_no_more_does_not_answer(clock):
    heartbeat = Heartbeat()
    heartbeat.waits_for_compiler = True
    heartbeat.beat()
    deadline = Deadline(heartbeat, 120.0, clock)
    clock.now += 121.0
    assert deadline.has_passed
