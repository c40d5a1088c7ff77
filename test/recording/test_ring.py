"""The ring keeps exactly what came within the last seconds."""

from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.recording.messages import Message
from ddpg_ros.recording.ring import Recent

SECONDS = 30.0
GAPS = st.floats(0.0, 20.0)
SIZES = st.integers(0, 50)


def fill(recent, arrivals):
    """Add messages after the gaps given; return them with their times, and the last time."""
    now, added = 0.0, []
    for number, (gap, size, topic) in enumerate(arrivals):
        now += gap
        message = Message(topic, b"x" * size, int(1e9 * now) + 1, number)
        recent.add(message, now)
        added.append((now, message))
    return added, now


@given(st.lists(st.tuples(GAPS, SIZES, st.sampled_from(["/a", "/b"]))), GAPS)
def test_it_holds_what_came_within_the_last_seconds_in_order(arrivals, wait):
    recent = Recent(SECONDS, 10**9)
    added, now = fill(recent, arrivals)
    now += wait
    assert recent.messages(now) == [m for at, m in added if now - at <= SECONDS]


@given(st.lists(st.tuples(st.just(0.001), SIZES, st.just("/a"))), st.integers(0, 300))
def test_beyond_its_size_the_oldest_go(arrivals, most):
    recent = Recent(SECONDS, most)
    added, now = fill(recent, arrivals)
    kept = recent.messages(now)
    messages = [message for _, message in added]
    assert kept == messages[len(messages) - len(kept) :]
    assert sum(len(message.data) for message in kept) <= most
    if len(kept) < len(messages):  # one more would be too many
        assert sum(len(message.data) for message in messages[-len(kept) - 1 :]) > most


@given(st.lists(st.tuples(GAPS, SIZES, st.sampled_from(["/goal", "/a"]))), GAPS)
def test_the_newest_message_that_lasts_is_never_forgotten(arrivals, wait):
    recent = Recent(SECONDS, 10**9, ["/goal"])
    added, now = fill(recent, arrivals)
    now += wait
    goals = [message for _, message in added if message.topic == "/goal"]
    kept = recent.messages(now)
    assert [m.data for m in kept if m.topic == "/goal"][-1:] == [m.data for m in goals[-1:]]
    others = [m for at, m in added if now - at <= SECONDS and m.topic == "/a"]
    assert [m for m in kept if m.topic == "/a"] == others
    times = [message.received for message in kept]
    assert times == sorted(times)
