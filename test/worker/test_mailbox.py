"""The slot: the newest whole set of weights, never a torn one. And the counter beside it."""

import multiprocessing
import time

import numpy as np
import pytest

from ddpg_ros.worker.shared.mailbox import WeightMailbox
from ddpg_ros.worker.shared.memory import Counter
from test.conftest import PATIENCE, wait_until

SPAWN = multiprocessing.get_context("spawn")
HAMMERING_SECONDS = 2.0


def weights(version, size=4):
    return np.full(size, version, dtype=np.float32)


def is_whole(version, values):
    """Whether every number is that of the version: a torn set holds two kinds."""
    return bool((values == np.float32(version)).all())


def test_a_new_slot_holds_nothing():
    mailbox = WeightMailbox(4)
    assert mailbox.version == 0
    assert mailbox.read() is None


def test_the_reader_gets_the_newest_set_as_often_as_it_asks():
    mailbox = WeightMailbox(4)
    for version in (1, 2, 5):  # versions may skip
        mailbox.publish(weights(version), version)
        for _ in range(2):
            read_version, values = mailbox.read()
            assert (mailbox.version, read_version) == (version, version)
            assert values.tolist() == [version] * 4
            assert values.dtype == np.float32


def test_what_was_read_belongs_to_the_caller():
    mailbox = WeightMailbox(4)
    mailbox.publish(weights(1), 1)
    _, kept = mailbox.read()
    for version in (2, 3):
        mailbox.publish(weights(version), version)
    assert kept.tolist() == [1] * 4


@pytest.mark.parametrize("stale", [2, 1, 0])
def test_a_stale_version_is_refused_and_changes_nothing(stale):
    mailbox = WeightMailbox(4)
    mailbox.publish(weights(2), 2)
    with pytest.raises(ValueError, match=f"version {stale} of the weights after version 2"):
        mailbox.publish(weights(9), stale)
    assert mailbox.read()[1].tolist() == [2] * 4


def test_weights_of_another_size_are_refused_and_not_broadcast():
    mailbox = WeightMailbox(4)
    with pytest.raises(ValueError, match=r"shape \(1,\).*takes \(4,\)"):
        mailbox.publish(weights(1, size=1), 1)
    assert mailbox.read() is None


def test_a_slot_for_nothing_is_refused():
    with pytest.raises(ValueError, match="0 weights"):
        WeightMailbox(0)


def begin_to_publish(mailbox, version):
    """Do what `publish` does up to the middle of the copy, as a writer that is killed there."""
    older = 1 - mailbox._newest()
    mailbox._marks[older][0] = version
    mailbox._weights[older][: mailbox.size // 2] = version


def test_a_writer_that_died_in_the_middle_leaves_the_set_before_it():
    mailbox = WeightMailbox(4)
    mailbox.publish(weights(1), 1)
    mailbox.publish(weights(2), 2)
    begin_to_publish(mailbox, 3)
    assert mailbox.version == 2
    version, values = mailbox.read()
    assert (version, values.tolist()) == (2, [2] * 4)


def test_a_first_set_whose_writing_did_not_end_is_not_read():
    mailbox = WeightMailbox(4)
    begin_to_publish(mailbox, 1)
    assert mailbox.read() is None


def test_a_writer_goes_on_after_one_that_died_in_the_middle():
    mailbox = WeightMailbox(4)
    mailbox.publish(weights(1), 1)
    begin_to_publish(mailbox, 2)
    mailbox.publish(weights(2), mailbox.version + 1)
    assert mailbox.read()[1].tolist() == [2] * 4


class OvertakenSlot(WeightMailbox):
    """A slot whose reader is overtaken in the middle of its first copies."""

    overtakings = 1
    torn_copies = 0

    def _copy(self, buffer):
        values = super()._copy(buffer)
        if self.overtakings:
            self.overtakings -= 1
            for version in (self.version + 1, self.version + 2):
                self.publish(weights(version, self.size), version)
            half = self.size // 2
            values[half:] = super()._copy(buffer)[half:]
            self.torn_copies += len(set(values.tolist())) > 1
        return values


def test_a_copy_that_the_writer_tore_is_noticed_and_taken_anew():
    mailbox = OvertakenSlot(4)
    mailbox.publish(weights(1), 1)
    version, values = mailbox.read()
    assert mailbox.torn_copies == 1  # the first copy was [1, 1, 3, 3]
    assert (version, values.tolist()) == (3, [3] * 4)


def test_a_reader_that_is_always_overtaken_gives_up_and_keeps_what_it_has():
    mailbox = OvertakenSlot(4)
    mailbox.overtakings = 10**9
    mailbox.publish(weights(1), 1)
    assert mailbox.read() is None
    assert mailbox.torn_copies == 100


def hammer(mailbox, stop):
    """Publish without a pause until told to stop."""
    version = 0
    while not stop.value:
        version += 1
        mailbox.publish(weights(version, mailbox.size), version)


def test_no_read_is_torn_while_another_process_hammers_the_slot():
    mailbox, stop = WeightMailbox(50_000), Counter()
    writer = SPAWN.Process(target=hammer, args=(mailbox, stop), daemon=True)
    writer.start()
    wait_until(lambda: mailbox.version > 0, what="the first set")
    versions, seen, unguarded_torn = [], set(), 0
    started = time.monotonic()

    def is_enough():
        seconds = time.monotonic() - started
        both = len(seen) > 100 and unguarded_torn > 0
        return seconds > HAMMERING_SECONDS and (both or seconds > PATIENCE)

    while not is_enough():
        taken = mailbox.read()
        if taken is not None:
            versions.append(taken[0])
            seen.add(taken[0])
            assert is_whole(*taken)
        unguarded = mailbox._weights[mailbox._newest()].copy()
        unguarded_torn += not is_whole(unguarded[0], unguarded)
    stop.value = 1
    writer.join(PATIENCE)
    assert writer.exitcode == 0
    assert versions == sorted(versions)
    assert len(seen) > 100
    assert unguarded_torn > 0, "the hammer never tore a copy without marks; it proves nothing"


def test_the_last_set_is_the_one_that_is_read_after_the_writer_is_done():
    mailbox = WeightMailbox(8)
    for version in range(1, 100):
        mailbox.publish(weights(version, 8), version)
    assert mailbox.read()[0] == 99


def count_up(counter, last):
    for value in range(1, last + 1):
        counter.value = value


def test_a_counter_shows_another_process_what_was_set_last():
    counter = Counter()
    assert counter.value == 0
    process = SPAWN.Process(target=count_up, args=(counter, 2**16), daemon=True)
    process.start()
    seen = [counter.value]
    while process.is_alive():
        seen.append(counter.value)
    process.join(10)
    assert process.exitcode == 0
    assert seen == sorted(seen)
    assert counter.value == 2**16


def test_a_counter_holds_64_bits():
    counter = Counter()
    counter.value = 2**64 - 1
    assert counter.value == 2**64 - 1
