"""Decides which messages go to the disk, and when. No ROS in it, and no clock of its own.

`latch` keeps the last 30 s in memory. If a fault or an emergency stop latches, they are written at
once as the first file of a new bag, and the 10 s after it as the second. `all` writes everything,
a file every 30 s. What a bag holds after the process is killed: `bag.py`.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from ddpg_ros.recording.bag import Bag, make_room
from ddpg_ros.recording.messages import Message, Topic
from ddpg_ros.recording.ring import Recent

_LOG = logging.getLogger(__name__)

BEFORE, AFTER = 30.0, 10.0  # [s] around a latch
_FILE_SECONDS, _FILE_BYTES = 30.0, 2**25  # of a file of `all`
_RING_BYTES = 2**28  # in memory; more than 30 s of any arm
_PAUSE = 1.0  # [s] between two tries of a disk that is full


class Latches:
    """Tells a new latch of a node from those of before."""

    def __init__(self) -> None:
        """Begin with no node."""
        self._counts: dict[str, int] = {}

    def is_new(self, node: str, count: int, latched: bool) -> bool:
        """Take what a node reports; return whether it has latched since its last report.

        Args:
            node: its name.
            count: its latches so far.
            latched: whether one holds now. The first report of a node counts only then.
        """
        before = self._counts.get(node, count - latched)
        self._counts[node] = count
        return count > before


class Recorder:
    """Takes every message, and writes bags into a folder. All times are monotonic [s]."""

    def __init__(
        self,
        mode: Literal["latch", "all"],
        folder: Path,
        most_bytes: int,
        about: Mapping[str, str],
        lasting: tuple[str, ...] = (),
    ) -> None:
        """Begin; nothing is written yet.

        Args:
            mode: what is written, see the module.
            folder: takes the bags.
            most_bytes: that all bags in the folder may take; beyond that the oldest go.
            about: what each file says about the run.
            lasting: whole names of topics on which the newest message holds until the next.
        """
        self._mode, self._folder, self._most_bytes = mode, folder, most_bytes
        self._about = about
        self._topics: dict[str, Topic] = {}
        self._recent = Recent(BEFORE, _RING_BYTES, lasting)
        self._bag: Bag | None = None
        self._lasting = frozenset(lasting)
        self._newest: dict[str, Message] = {}  # on those topics, of the files before; by topic
        self._waiting: list[Message] = []  # for the next file of the bag
        self._waiting_bytes = 0
        self._write_at = float("inf")
        self._failed = False  # the last write did
        self._next_try = 0.0  # [s]

    def add_topic(self, topic: Topic) -> None:
        """Take the description of a topic, before its first message."""
        self._topics[topic.name] = topic

    def add(self, message: Message, now: float) -> None:
        """Take a message."""
        if self._mode == "latch":
            self._recent.add(message, now)
        elif self._bag is None:
            self._begin(now, _FILE_SECONDS)
        if self._bag is not None:
            self._waiting.append(message)
            self._waiting_bytes += len(message.data)

    def latched(self, now: float) -> None:
        """Write what led to a fault or an emergency stop; a second one within 10 s joins it."""
        if self._mode != "latch":
            return
        if self._bag is None:
            self._begin(now, AFTER)
            self._waiting = self._recent.messages(now)
            self._waiting_bytes = sum(len(message.data) for message in self._waiting)
            self._write(now)
        self._write_at = now + AFTER

    def look(self, now: float) -> None:
        """Write what is due; ten times a second."""
        due = now >= self._write_at or self._waiting_bytes >= _FILE_BYTES or self._failed
        if self._bag is None or not due or now < self._next_try or not self._write(now):
            return
        if now >= self._write_at:
            self._write_at = now + _FILE_SECONDS
            if self._mode == "latch":
                self._bag = None

    def close(self) -> None:
        """Write what is left of an open bag; what cannot be written is lost, and logged."""
        if self._bag is None:
            return
        if not self._write(self._next_try):
            _LOG.warning("%d messages are lost: the recorder ends.", len(self._waiting))
        self._bag = None

    def _begin(self, now: float, seconds: float) -> None:
        stem = f"{self._mode}-{datetime.now():%Y%m%d-%H%M%S}"
        name, count = stem, 1
        while (self._folder / name).exists():
            count += 1
            name = f"{stem}-{count}"
        self._bag = Bag(self._folder / name, self._about)
        self._write_at = now + seconds

    def _write(self, now: float) -> bool:
        """Write what waits as the next file of the bag; what a full disk does not take waits on.

        Returns:
            Whether nothing waits any more.
        """
        bag, messages = self._bag, self._waiting
        assert bag is not None
        if not messages:
            return True
        try:
            size = bag.add_file(self._still_valid(messages) + messages, self._topics)
        except OSError as error:
            self._put_off(f"{bag.directory} cannot be written ({error.strerror or error})", now)
            return False
        self._newest |= {one.topic: one for one in messages if one.topic in self._lasting}
        self._waiting, self._waiting_bytes, self._failed = [], 0, False
        if self._mode == "latch":
            _LOG.info("%d messages, %d bytes, are in %s", len(messages), size, bag.directory)
        self._make_room(bag)
        return True

    def _still_valid(self, messages: list[Message]) -> list[Message]:
        """Return what earlier files hold and these messages lack, at the time of the first.

        So each file holds it, also when the oldest have made room.
        """
        first = min(message.received for message in messages)
        again = {message.topic for message in messages}
        return [
            message._replace(received=first)
            for topic, message in self._newest.items()
            if topic not in again
        ]

    def _make_room(self, bag: Bag) -> None:
        """Remove the oldest recordings; if that fails, what was written stays all the same."""
        try:
            for path in make_room(self._folder, self._most_bytes, bag):
                _LOG.info("%s is removed, as run.record_limit says", path)
        except OSError as error:
            _LOG.warning(
                "%s cannot be removed (%s), so the recordings grow beyond run.record_limit; "
                "remove it by hand, or start the recorder in another directory.",
                error.filename or self._folder,
                error.strerror or error,
            )

    def _put_off(self, why: str, now: float) -> None:
        if not self._failed:
            _LOG.warning("%s. Make room on that disk; it is tried again every second.", why)
        if self._waiting_bytes > _RING_BYTES:
            _LOG.warning("%d messages are lost: %s.", len(self._waiting), why)
            self._waiting, self._waiting_bytes = [], 0
        self._failed, self._next_try = True, now + _PAUSE
