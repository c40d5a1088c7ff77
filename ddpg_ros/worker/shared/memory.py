"""Memory shared between a process and the child that it spawns.

The memory is an anonymous mmap whose file descriptor is handed to the child at spawn: it has no
name, so that nothing is left behind, not even by kill -9.
"""

import ctypes
import multiprocessing
import platform

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.errors import MachineError

_ORDERED = ("x86_64", "AMD64")
CACHE_LINE = 64  # [bytes]; what two processes write stands on different lines

SharedBytes = ctypes.Array[ctypes.c_ubyte]
"""A block of shared memory; it travels as an argument of a spawned `Process`, and only so."""


def allocate(size: int) -> SharedBytes:
    """Return a zeroed block that has `size` bytes [bytes] from its first cache line on.

    Raises:
        MachineError: the processor does not keep the order of stores that ring and slot rely on.
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
