"""Checks before a run that the disk takes what it is going to record."""

import shutil
from pathlib import Path

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import MachineError
from ddpg_ros.recording.recorder import AFTER, BEFORE

_STEP_BYTES, _JOINT_BYTES = 150, 40  # of a recorded step, compressed; of each joint of it
_MB = 1e6


def recording_bytes(settings: Config, joints: int) -> int:
    """Return about how much a run records [bytes]: for `latch` a single latch."""
    a_step = _STEP_BYTES + joints * _JOINT_BYTES
    if settings.recording == "off":
        return 0
    if settings.recording == "latch":
        steps = round((BEFORE + AFTER) / settings.control.period)
    else:
        trained = 0 if settings.run.offline else settings.run.steps
        steps = trained + settings.run.eval_episodes * settings.episode_steps
    return min(round(settings.run.record_limit * _MB), steps * a_step)


def require_disk_room(directory: Path, recordings: int, prefill: int = 0) -> None:
    """Check that a disk has room.

    Args:
        directory: of the run; it need not exist.
        recordings: that the run is going to write [bytes].
        prefill: of the transitions of earlier recordings [bytes].

    Raises:
        MachineError: the disk has less.
    """
    needed = recordings + prefill
    if not needed:
        return
    place = directory.expanduser().absolute()
    while not place.is_dir():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise MachineError(
            f"this run writes about {needed} bytes of recordings, and {place} has {free} bytes "
            "free; make room there, give another --run-dir, or set run.record: off or a smaller "
            "run.record_limit."
        )
