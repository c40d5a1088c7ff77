"""How much a run is going to record."""

from ddpg_ros.config.settings import Config
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
