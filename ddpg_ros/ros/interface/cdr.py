"""sensor_msgs/JointState as the bytes that DDS carries: CDR, little-endian.

rclpy converts each message to a Python object, field by field, and back to bytes, which takes as
long as the policy's whole forward pass. From one joint state to the next only the stamp and the
numbers change, and they keep their places as long as the names stay the same. So this module
works out the places once and then reads and writes the numbers alone.

Layout (OMG DDS-XTypes 1.3, 7.4.1, PLAIN_CDR): four bytes name the encoding; then each number
follows, aligned to its size, counted from the fifth byte. A string is its length, including the
closing NUL, and its bytes; a list is its length and its items. The bytes in gaps are undefined.
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
    """The places of all fields in a joint state of certain names and array lengths."""

    size: int  # [bytes]
    constants: tuple[tuple[slice, bytes], ...]  # the bytes that are the same in each message
    position: struct.Struct
    position_at: int  # [bytes] from the beginning of the message
    velocity: struct.Struct
    velocity_at: int
    effort: struct.Struct
    effort_at: int

    def fits(self, data: bytes) -> bool:
        """Return whether a message has this layout; bytes after its end do not count."""
        if len(data) < self.size:
            return False
        for where, what in self.constants:  # noqa: SIM110 (a generator takes twice as long)
            if data[where] != what:
                return False
        return True

    def template(self) -> bytearray:
        """Return a message in which the stamp and all numbers are zero."""
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

    def reserve(count: int) -> tuple[struct.Struct, int]:
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
    position, velocity, effort = reserve(positions), reserve(velocities), reserve(efforts)
    same = tuple((slice(at, at + len(what)), bytes(what)) for at, what in constants)
    return Layout(end, same, *position, *velocity, *effort)
