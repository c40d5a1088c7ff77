"""Joint states as bytes that nobody has written on purpose: `python -m test.fuzz_messages`.

With `atheris` installed, coverage leads the search: `-max_total_time=60` ends it after a minute,
other options are libFuzzer's. Without it, and in the tests, seeded mutations of real messages are
tried. `check` says what must hold for any bytes.
"""

import math
import random
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState

try:
    import atheris
except ImportError:
    atheris = None

READERS = ["ddpg_ros.ros.interface.messages", "ddpg_ros.ros.interface.cdr"]
led = atheris is not None and __name__ == "__main__"
with atheris.instrument_imports(include=READERS) if led else nullcontext():
    from ddpg_ros.errors import JointStateError
    from ddpg_ros.ros.interface.messages import MOST_BYTES, JointMap, stamp_to_ns

JOINTS = ["shoulder", "elbow"]
COUNT = 20_000  # mutations without atheris
INTERESTING = (0, 1, 2, 3, 127, 128, 255, 256, 2**31 - 1, 2**31, 2**32 - 1, 999_999_999, 10**9)


def joint_state(names: list[str], stamp: tuple[int, int] = (1, 2), **lengths: int) -> bytes:
    """Write a joint state in which every number is another."""
    message = JointState(name=names)
    message.header.frame_id = "base"
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    for place, field in enumerate(("position", "velocity", "effort")):
        count = lengths.get(field, len(names))
        setattr(message, field, [place + 0.1 * number for number in range(count)])
    return bytes(serialize_message(message))


GOOD = joint_state(JOINTS)
SEEDS = (
    GOOD,
    joint_state(JOINTS[::-1]),
    joint_state(["left_finger", *JOINTS, "right_finger"]),
    joint_state(["left_finger"]),
    joint_state([]),
    joint_state([*JOINTS, "elbow"]),
    joint_state(JOINTS, velocity=0),
    joint_state(JOINTS, effort=0),
    joint_state(JOINTS, position=3),
    joint_state(JOINTS, (2**31 - 1, 2**32 - 1)),
    joint_state(JOINTS, (-1, 10**9)),
)


def expected(data: bytes) -> tuple[object, object, object]:
    """Return stamp, state and command by rclpy's own reader; None for what is to be rejected."""
    try:
        message = deserialize_message(data, JointState)
    except RuntimeError:
        return None, None, None
    stamp = message.header.stamp
    at = stamp.sec * 10**9 + stamp.nanosec
    at = at if stamp.sec >= 0 and stamp.nanosec < 10**9 else None
    names = list(message.name)
    if at is None or len(data) > MOST_BYTES or len(set(names)) < len(names):
        return at, None, None
    if not set(JOINTS) <= set(names):
        return at, None, None

    def pick(values: list[float]) -> list[float] | None:
        if len(values) != len(names):
            return None
        picked = [values[names.index(joint)] for joint in JOINTS]
        return picked if all(map(math.isfinite, picked)) else None

    position, velocity, effort = map(pick, (message.position, message.velocity, message.effort))
    state = None if position is None or velocity is None else (at, position, velocity)
    return at, state, None if effort is None else (at, effort)


def read(joints: JointMap, data: bytes) -> tuple[object, object, object]:
    """Return the same by our reader; anything but a JointStateError comes through."""
    stamp = state = command = None
    try:
        stamp = stamp_to_ns(data)
    except JointStateError as error:
        _assert_short(error)
    try:
        got = joints.state(data)
        state = got.stamp, got.position.tolist(), got.velocity.tolist()
    except JointStateError as error:
        _assert_short(error)
    try:
        at, torque = joints.command(data)
        command = at, torque.tolist()
    except JointStateError as error:
        _assert_short(error)
    return stamp, state, command


def _assert_short(error: JointStateError) -> None:
    assert len(str(error)) < 2_000, len(str(error))


_lasting = JointMap(JOINTS)


def check(data: bytes) -> None:
    """See that our reader takes what rclpy's takes, and is none the worse for what it rejects."""
    stamp, state, command = expected(data)
    for joints in (JointMap(JOINTS), _lasting, _lasting):  # the second time by the layout
        seen, *taken = read(joints, data)
        assert taken == [state, command], (data, taken, state, command)
        assert seen == stamp or (state is None and command is None), (data, seen, stamp)
        assert read(joints, GOOD) == expected(GOOD), data


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """Yield messages with something changed: bytes, numbers, lengths, pieces of others."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 4)):
            at = (
                chance.randrange(len(data) + 1)
                if chance.random() < 0.3
                else _aligned(chance, data)
            )
            way = chance.randrange(5)
            if way == 0:
                data[at : at + 4] = chance.choice(INTERESTING).to_bytes(4, "little")
            elif way == 1:
                data[at : at + 1] = chance.randbytes(1)
            elif way == 2:
                del data[at : at + chance.choice((1, 4, 8, 64))]
            elif way == 3:
                other = chance.choice(SEEDS)
                begin = _aligned(chance, other)
                data[at:at] = other[begin : begin + chance.choice((4, 8, 64))]
            else:
                number = chance.choice((math.nan, math.inf, 1e308, 5e-324, -0.0))
                data[at : at + 8] = _double(number)
        yield bytes(data)


def _aligned(chance: random.Random, data: bytes | bytearray) -> int:
    return 4 * chance.randrange(len(data) // 4 + 1)


def _double(number: float) -> bytes:
    return struct.pack("<d", number)


def main() -> None:
    """Search until something fails, or libFuzzer's options end it."""
    if atheris is None:
        for data in mutations(random.randrange(2**32), COUNT):
            check(data)
        return
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(SEEDS):
            (Path(folder) / str(number)).write_bytes(data)
        atheris.Setup([*sys.argv, folder], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
