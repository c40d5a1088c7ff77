"""Writes proposed settings as a YAML file that a person reads and changes."""

import re
from pathlib import Path

from ddpg_ros.cli.proposal import Proposal
from ddpg_ros.config.settings import Config, field_of
from ddpg_ros.config.yaml_text import write_inline
from ddpg_ros.robot.arm import Robot

_WIDTH = 64  # a comment starts in this column, or two characters after a longer line
_UNIT = re.compile(r"\[[^\]]+\]")


def write_proposal(proposal: Proposal, arm: Robot, file: Path) -> None:
    """Write the settings of an arm; a comment has the unit, or why a value was chosen.

    Raises:
        OSError: the file cannot be written.
    """
    settings = {
        "robot.urdf": str(arm.urdf_path),
        "robot.xacro_arguments": proposal.config.robot.xacro_arguments,
        "robot.joints": list(arm.joints),
        "robot.tip": arm.tip,
        **proposal.settings,
    }
    name = " ".join(arm.name.split())
    lines = [f"# {name}, as `ddpg-ros robot` understands {arm.urdf_path.name!r}: a first"]
    lines += ["# training. Look at the limits before a real arm moves (docs/your-arm.md, 4)."]
    lines += ["/**:", "  ros__parameters:"]
    section = ""
    for name, value in sorted(settings.items(), key=lambda item: _place(item[0])):
        if value == []:
            continue
        head, _, key = name.partition(".")
        if head != section:
            lines.append(f"    {head}:")
            section = head
        comment = proposal.reasons.get(name) or _unit(name, proposal.config)
        line = f"      {key}: {write_inline(value)}"
        lines.append(f"{line:<{_WIDTH}}  # {comment}" if comment else line)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _place(name: str) -> int:
    sections = ("robot", "safety", "task", "control", "sim", "noise", "learner", "run")
    return sections.index(name.partition(".")[0])


def _unit(name: str, config: Config) -> str:
    found = _UNIT.search(str(field_of(name, config).description))
    return found.group() if found else ""
