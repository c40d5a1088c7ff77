"""A number that one process sets and another reads, for example the learner's progress."""

from ddpg_ros.worker.shared import memory


class Counter:
    """An unsigned 64-bit number in shared memory: one process writes, any reads, nobody waits.

    A store of an aligned 64-bit word is whole, so that a reader sees an old or a new value and
    never a mixture. On x86-64 (total store order) who sees a new value also sees whatever its
    writer wrote before it, such as the weights that belong to it.
    """

    def __init__(self) -> None:
        """Start at 0."""
        self.__setstate__(memory.allocate(8))

    def __getstate__(self) -> memory.SharedBytes:
        """Hand over the memory; a spawned child makes its own view."""
        return self._block

    def __setstate__(self, block: memory.SharedBytes) -> None:
        """Make the view on the memory."""
        self._block = block
        self._word = memory.words(memory.view(block))  # (1,)

    @property
    def value(self) -> int:
        """The number as last set."""
        return self._word[0]

    @value.setter
    def value(self, value: int) -> None:
        self._word[0] = value
