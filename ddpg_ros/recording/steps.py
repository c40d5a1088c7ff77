"""One step of an episode as the topic `~/step` carries it, for recordings.

The message is a `sensor_msgs/JointState`: the state that the control loop saw, the torque that the
actor asked for, before the guard, and the goal. What reached the motors is the command with the
same stamp. `header.frame_id` says which step it is: a number drawn for each process, the phase,
the episode, the step, and whether the episode ended with this state.
"""

import re
from typing import NamedTuple

from ddpg_ros.types import Vector

GOAL = "goal/"
"""How the names of the goal's numbers begin, which follow the joints."""

_FORM = re.compile(r"([0-9a-f]{8}) (\w+) +(\d{8}) (\d{8}) (run|end)")


class Place(NamedTuple):
    """Which step a message is about."""

    run: str  # eight hexadecimal digits, drawn for each process
    phase: str  # `train` or `greedy`
    episode: int
    number: int  # of the step within the episode, from 0
    over: bool  # whether this state ended the episode; it has no torque

    def text(self) -> str:
        """Return the `frame_id`; all of them have the same length."""
        end = "end" if self.over else "run"
        return f"{self.run} {self.phase:<6} {self.episode:08d} {self.number:08d} {end}"


class Step(NamedTuple):
    """A step as it was recorded."""

    place: Place
    stamp: int  # [ns], of the state
    position: Vector  # (n,) [rad]
    velocity: Vector  # (n,) [rad/s]
    requested: Vector  # (n,) [N·m], before the guard
    goal: Vector  # (g,); empty if the task has none


def place_of(text: str) -> Place | None:
    """Return what a `frame_id` says; None if it is none of ours."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    run, phase, episode, number, end = found.groups()
    return Place(run, phase, int(episode), int(number), end == "end")


WIDTH = len(Place("0" * 8, "train", 0, 0, False).text())
"""Length of every `frame_id`."""
