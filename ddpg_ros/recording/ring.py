"""The messages of the last seconds, in memory."""

from collections import deque
from collections.abc import Collection

from ddpg_ros.recording.messages import Message


class Recent:
    """Keeps what came within the last seconds, and the newest message of some topics for ever.

    A goal or a robot description is published once and holds from then on. When it becomes too
    old, it is kept aside and comes back at the front, at the time of the oldest message.
    """

    def __init__(self, seconds: float, most_bytes: int, lasting: Collection[str] = ()) -> None:
        """Begin empty.

        Args:
            seconds: how long a message is kept.
            most_bytes: of all messages together; beyond that the oldest go.
            lasting: whole names of the topics whose newest message is always kept.
        """
        self._seconds, self._most_bytes = seconds, most_bytes
        self._lasting = frozenset(lasting)
        self._messages: deque[tuple[float, Message]] = deque()
        self._aside: dict[str, Message] = {}
        self._bytes = 0

    def add(self, message: Message, now: float) -> None:
        """Keep a message that came at `now` [s], monotonic."""
        self._messages.append((now, message))
        self._bytes += len(message.data)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._messages and (
            now - self._messages[0][0] > self._seconds or self._bytes > self._most_bytes
        ):
            _, oldest = self._messages.popleft()
            self._bytes -= len(oldest.data)
            if oldest.topic in self._lasting:
                self._aside[oldest.topic] = oldest

    def messages(self, now: float) -> list[Message]:
        """Return what is kept at `now` [s], monotonic; in the order in which it came."""
        self._forget(now)
        recent = [message for _, message in self._messages]
        if not recent:
            return list(self._aside.values())
        again = {message.topic for message in recent}
        first = min(message.received for message in recent)
        lasting = [
            message._replace(received=first)
            for topic, message in self._aside.items()
            if topic not in again
        ]
        return lasting + recent
