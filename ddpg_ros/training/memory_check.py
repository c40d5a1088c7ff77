"""Checks before a training that this machine has the memory and the disk that it needs.

Linux grants memory that does not exist, and would kill a worker that asks for too much later,
with all that it has learnt.
"""

import os
from itertools import pairwise
from pathlib import Path

from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import MachineError
from ddpg_ros.files.disk_space import RESERVE, free_space
from ddpg_ros.files.generations import KEPT
from ddpg_ros.files.kinds import at_home
from ddpg_ros.types import RecordLayout

_NUMBER = 4  # [bytes] of a float32
_COPIES = 8  # of the parameters: networks, targets, two moments of Adam each, gradients, work
_SHARE = 0.9  # of the memory that is available
_ON_DISK = 1.25  # replay buffers: the segments that it needs, and a part of the next
_BASE = 0.5e9  # [bytes] of torch, in the worker


def require_room(
    settings: LearnerSection, sizes: list[int], available: float | None, earlier: int = 0
) -> None:
    """Check that replay and networks fit.

    Args:
        settings: of the learner.
        sizes: layers of the actor, observation to action.
        available: memory that may be taken [bytes]; None if that is not known.
        earlier: transitions of an earlier run that join the replay buffer.

    Raises:
        MachineError: they do not fit; the sentence says what they take and what would fit.
    """
    on_device = not settings.device.startswith(
        "cpu"
    )  # the replay buffer is on the device, which checks its own memory
    if available is None or on_device:
        return
    layout = RecordLayout(sizes[0], sizes[-1])
    record = _NUMBER * layout.width
    replay, networks = settings.replay_capacity * record, _of_networks(settings, sizes)
    room = _SHARE * available - networks - settings.batch_size * record * 3 - _BASE
    room -= earlier * record
    if replay <= room:
        return
    fits = int(max(0.0, room) // record)
    fits -= fits % 10 ** max(0, len(str(fits)) - 2)  # two digits say enough
    way_out = (
        f"the largest learner.replay_capacity that fits is {fits}"
        if fits >= settings.batch_size
        else "no learner.replay_capacity fits: narrow learner.hidden, or observe less"
    )
    besides = f", {earlier * record / 1e9:.3g} GB for the earlier run's" if earlier else ""
    raise MachineError(
        f"observations of {sizes[0]} numbers take {replay / 1e9:.3g} GB for "
        f"learner.replay_capacity {settings.replay_capacity}{besides} and "
        f"{networks / 1e9:.2g} GB for the networks, and this machine has {available / 1e9:.3g} GB "
        f"of memory available; {way_out}."
    )


def require_disk(
    config: Config,
    sizes: list[int],
    directory: Path | None,
    recordings: int = 0,
    earlier: int = 0,
) -> None:
    """Check that checkpoints and recordings fit together on the disk of the run directory.

    Args:
        config: of the run.
        sizes: layers of the actor, observation to action.
        directory: the run directory, which need not be there yet; None: a new one below `runs/`.
        recordings: what the run records, and keeps of earlier recordings [bytes].
        earlier: what it keeps of an earlier training [bytes].

    Raises:
        MachineError: they do not fit; the sentence says what they take.
    """
    folder = at_home(directory or config.run.directory or "runs").absolute()
    while not os.path.isdir(folder):  # which accepts any name
        folder = folder.parent
    settings, layout = config.learner, RecordLayout(sizes[0], sizes[-1])
    records = min(_ON_DISK * settings.replay_capacity, config.run.steps)
    replay = _NUMBER * layout.width * records
    wanted = replay + (KEPT + 1) * _of_networks(settings, sizes) / 2  # no gradients, no work
    try:
        free = free_space(folder)
    except OSError:
        return
    if wanted + recordings + earlier + RESERVE > free:
        besides = f", recordings {recordings}" if recordings else ""
        besides += f", what is taken of the earlier run {earlier}" if earlier else ""
        less = ", run.record: off or a smaller run.record_limit" if recordings else ""
        raise MachineError(
            f"the checkpoints of this training take {wanted:.0f} bytes, of which the replay "
            f"buffer takes {replay:.0f}{besides}, and the disk of {folder} has {free} bytes of "
            f"room, of which {RESERVE} stay free; make room, set a lower "
            f"learner.replay_capacity{less}, or give another disk with --run-dir."
        )


def available_memory() -> float | None:
    """Return the memory that may be taken [bytes]: of the machine, or of its control group."""
    found = [_in_machine(), *(_in_group(*names) for names in _GROUPS)]
    known = [amount for amount in found if amount is not None]
    return min(known) if known else None


_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def _in_machine() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return 1024.0 * float(line.split()[1])
    return None


def _in_group(limit: str, used: str) -> float | None:
    """Return what is left of a group's limit; files that were read fill it, and give way."""
    try:
        left = float(Path(limit).read_text()) - float(Path(used).read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return None
    return left + _cached(Path(used).with_name("memory.stat"))


def _cached(stat: Path) -> float:
    """Return how much of a group's memory holds files that can be read again [bytes]."""
    try:
        words = stat.read_text().split()
        stated = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    except (OSError, ValueError):  # it is not stated
        return 0.0
    return stated.get("total_inactive_file", stated.get("inactive_file", 0.0))


def _of_networks(settings: LearnerSection, sizes: list[int]) -> float:
    """Return roughly what networks and their optimisers take [bytes]."""
    critic = [sizes[0] + sizes[-1], *settings.hidden, 1]
    weights = sum((a + 1) * b for a, b in pairwise(sizes))
    weights += settings.critics * sum((a + 1) * b for a, b in pairwise(critic))
    return float(_COPIES * _NUMBER * weights)
