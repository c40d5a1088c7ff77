"""Memory shared between a process and the child that it spawns.

The memory is an anonymous mmap whose file descriptor is handed to the child at spawn: it has no
name, so that nothing is left behind, not even by kill -9.
"""

import ctypes
import multiprocessing
import os
import platform
import select
from contextlib import suppress
from multiprocessing import reduction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.errors import MachineError

_ORDERED = ("x86_64", "AMD64")
CACHE_LINE = 64  # [bytes]; words of two writers are on different lines

SharedBytes = ctypes.Array[ctypes.c_ubyte]
"""A block of shared memory; a spawned `Process` receives it as an argument, and only so."""


def allocate(size: int) -> SharedBytes:
    """Return a zeroed block that has `size` bytes [bytes] from its first cache line on.

    Raises:
        MachineError: the processor does not keep the order of stores that ring and mailbox need.
    """
    if platform.machine() not in _ORDERED:
        raise MachineError(
            f"this is a {platform.machine()} processor; the memory between agent and learner "
            f"relies on the order of stores of {' or '.join(_ORDERED)}. Train on such a machine."
        )
    block: SharedBytes = multiprocessing.get_context("spawn").RawArray(
        ctypes.c_ubyte, size + CACHE_LINE
    )
    return block


def view(block: SharedBytes) -> NDArray[np.uint8]:
    """Return the block's bytes from its first cache line on.

    Both processes agree on where that is: a mapping begins at a page in each.
    """
    skip = -ctypes.addressof(block) % CACHE_LINE
    content: NDArray[np.uint8] = np.frombuffer(memoryview(block), dtype=np.uint8)
    return content[skip : len(block) - CACHE_LINE + skip]


def words(content: NDArray[np.uint8]) -> "memoryview[int]":
    """Return the bytes as 64-bit words; a memoryview: plain ints, twice as fast as numpy."""
    numbers: memoryview[int] = content.view(np.uint64).data
    return numbers


def lines(size: int) -> int:
    """Round `size` [bytes] up to whole cache lines [bytes]."""
    return -(-size // CACHE_LINE) * CACHE_LINE


class Counter:
    """An unsigned 64-bit number in shared memory: one process writes, any reads, none waits.

    A store of an aligned 64-bit word is whole, so that a reader sees an old or a new value and
    never a mixture. On x86-64 (total store order) a reader of the new value also sees
    what its writer wrote before, such as the weights that belong to it.
    """

    def __init__(self) -> None:
        """Start at 0."""
        self.__setstate__(allocate(8))

    def __getstate__(self) -> SharedBytes:
        """Hand over the memory; a spawned child makes its own view."""
        return self._block

    def __setstate__(self, block: SharedBytes) -> None:
        """Make the view on the memory."""
        self._block = block
        self._word = words(view(block))  # (1,)

    @property
    def value(self) -> int:
        """The number as last set."""
        return self._word[0]

    @value.setter
    def value(self, value: int) -> None:
        self._word[0] = value


class Wakeup:
    """Wakes a sleeping process; any number of notifications wakes it once.

    A process that polled instead would wake thousands of times a second, on cores that the
    control loop and the simulator need. It is a file descriptor (Linux's eventfd), which is handed
    to the child at spawn and has no name, as the memory.
    """

    def __init__(self) -> None:
        """Make one that a spawned process may receive."""
        self._adopt(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))

    def __getstate__(self) -> Any:
        """Hand over a duplicate of the descriptor."""
        return reduction.DupFd(self._descriptor)

    def __setstate__(self, handed: Any) -> None:
        """Take the duplicate."""
        self._adopt(handed.detach())

    def _adopt(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def __del__(self) -> None:
        """Close the descriptor."""
        with suppress(AttributeError, OSError):
            os.close(self._descriptor)

    def notify(self) -> None:
        """Wake the other process, now or at its next `wait`; takes one to five microseconds."""
        os.eventfd_write(self._descriptor, 1)

    def wait(self, timeout: float) -> None:
        """Sleep until a notification since the last `wait`, at most `timeout` [s]."""
        if self._poll.poll(1000.0 * timeout):
            with suppress(BlockingIOError):  # another thread of this process was faster
                os.eventfd_read(self._descriptor)
