"""What `ddpg-ros inspect` says about a recording."""

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ddpg_ros.config.settings import from_parameters
from ddpg_ros.errors import ConfigError, DdpgRosError, RecordingError
from ddpg_ros.recording.episodes import episodes_of, period_of
from ddpg_ros.recording.reading import Recording, read_recording
from ddpg_ros.recording.step_messages import is_wanted, joints_of
from ddpg_ros.training.recorded import experience_of


def inspect_recording(path: Path) -> tuple[dict[str, str], str, dict[str, Any]]:
    """Read a recording whole, which verifies it.

    Returns:
        Rows to print, a sentence that says whether it can train and what, and the same for
        machines.

    Raises:
        RecordingError: it is missing, cut off or damaged.
    """
    recording = read_recording(path, is_wanted)
    rows = {
        "files": f"{len(recording.files)}, whole, checksums right",
        "size": f"{recording.bytes} bytes",
        "begins": f"{datetime.fromtimestamp(1e-9 * recording.begin):%Y-%m-%d %H:%M:%S}",
        "lasts": f"{recording.seconds:.1f} s",
    }
    about = {key: value for key, value in recording.about.items() if key != "settings"}
    rows |= {key.replace("_", " "): value for key, value in about.items()}
    for (topic, kind), count in sorted(recording.counts.items()):
        rows[topic] = f"{count} × {kind}"
    content: dict[str, Any] = {
        "recording": str(path),
        "files": [str(file) for file in recording.files],
        "bytes": recording.bytes,
        "seconds": recording.seconds,
        "about": about,
        "topics": {
            topic: {"type": kind, "messages": count}
            for (topic, kind), count in sorted(recording.counts.items())
        },
    }
    verdict = _verdict(path, recording, rows, content)
    content["verdict"] = verdict
    return rows, verdict, content


def _verdict(
    path: Path, recording: Recording, rows: dict[str, str], content: dict[str, Any]
) -> str:
    joints = joints_of(recording)
    try:
        episodes = episodes_of(recording, joints)
    except RecordingError as error:
        return f"it cannot train: {error}"
    steps = sum(map(len, episodes.stretches))
    found = {
        "joints": ", ".join(joints),
        "episodes": ", ".join(f"{count} {name}" for name, count in episodes.phases.items()),
        "steps": f"{steps} of {episodes.steps} with torque and next state",
        "period": f"{period_of(episodes):.4g} s",
    }
    rows |= found
    content |= {"joints": joints, "episodes": episodes.phases, "steps": steps}
    try:
        settings = yaml.safe_load(recording.about.get("settings", "")) or {}
        if not isinstance(settings, dict):
            raise ConfigError("its settings are none.")
        config = from_parameters(settings, f"the settings in {path}")
        experience_of(config, [path])
    except (DdpgRosError, yaml.YAMLError, RecursionError) as error:
        return f"it does not train with its own settings here: {error}"
    return (
        f"it loads: ddpg-ros train --from-bag {path} fills the replay buffer of an arm with these "
        "joints and this period; with --offline it is all that is learnt from."
    )
