"""sensor_msgs/JointState as the bytes that DDS carries: CDR, little-endian.

rclpy makes a Python object of each message, field by field, and bytes of it again: that takes as
long as the whole forward pass. What changes from one joint state to the next are the stamp and
the numbers, and they stand at the same place for as long as the names stay the same.

Layout (OMG DDS-XTypes 1.3, 7.4.1, PLAIN_CDR): four bytes that say how the rest is written; then
each number aligned to its size, counted from the fifth byte; a string is its length with the
closing NUL, and its bytes; a list is its length and its items. What stands in the gaps is not
defined.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

ENCAPSULATION = b"\x00\x01\x00\x00"
"""PLAIN_CDR, little-endian, no options."""

_START = len(ENCAPSULATION)  # alignment counts from here
_COUNT = struct.Struct("<I")
STAMP = struct.Struct("<iI")
"""Seconds and nanoseconds."""
STAMP_AT = _START


class Layout(NamedTuple):
    """Where everything stands in a joint state of certain names and lengths."""

    size: int  # [bytes]
    constants: tuple[tuple[slice, bytes], ...]  # what is the same each time
    position: struct.Struct
    position_at: int  # [bytes] from the beginning of the message
    velocity: struct.Struct
    velocity_at: int
    effort: struct.Struct
    effort_at: int

    def fits(self, data: bytes) -> bool:
        """Whether a message has this layout; what writers leave after its end is no part of it."""
        if len(data) < self.size:
            return False
        for where, what in self.constants:  # noqa: SIM110 (a generator takes twice as long)
            if data[where] != what:
                return False
        return True

    def template(self) -> bytearray:
        """Return a message whose stamp and numbers are all zero."""
        data = bytearray(self.size)
        for where, what in self.constants:
            data[where] = what
        return data


def layout_of(
    names: Sequence[str], positions: int, velocities: int, efforts: int, frame_id: str = ""
) -> Layout:
    """Return the layout of a joint state with these names, frame and lengths of its arrays."""
    constants = [(0, bytearray(ENCAPSULATION))]  # where each begins
    end = STAMP_AT + STAMP.size

    def align(size: int) -> None:
        nonlocal end
        end += -(end - _START) % size

    def put(what: bytes) -> None:
        nonlocal end
        align(_COUNT.size)
        begin, before = constants[-1]
        if begin + len(before) == end:
            before += what
        else:
            constants.append((end, bytearray(what)))
        end += len(what)

    def put_string(text: str) -> None:
        raw = text.encode() + b"\0"
        put(_COUNT.pack(len(raw)) + raw)

    def leave(count: int) -> tuple[struct.Struct, int]:
        nonlocal end
        put(_COUNT.pack(count))
        if count:
            align(8)
        numbers = struct.Struct(f"<{count}d")
        begin, end = end, end + numbers.size
        return numbers, begin

    put_string(frame_id)
    put(_COUNT.pack(len(names)))
    for name in names:
        put_string(name)
    position, velocity, effort = leave(positions), leave(velocities), leave(efforts)
    same = tuple((slice(at, at + len(what)), bytes(what)) for at, what in constants)
    return Layout(end, same, *position, *velocity, *effort)
