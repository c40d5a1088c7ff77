"""What stands behind the topics of a node that commands an arm. No ROS, no clock of its own.

The node carries messages and keeps order (`ros/nodes/arm_node.py`); a controller decides what is
sent. `training/session_controller.py` runs a policy, learning or frozen, and
`control/guard_controller.py` passes on the torques of another process.
"""

from typing import NamedTuple, Protocol

from ddpg_ros.control.episodes import EpisodeState
from ddpg_ros.robot.arm import Robot
from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.types import JointState, Vector


class Command(NamedTuple):
    """What is to be sent: a torque, and the stamp of the state that it answers."""

    stamp: int  # [ns]
    torque: Vector  # (n,) [N·m]


class Controller(Protocol):
    """Answers joint states. All times are those of the monotonic clock [s]."""

    robot: Robot
    """The arm."""
    safety: Safety
    """The last word on every torque."""

    def on_state(self, state: JointState, now: float) -> Command | None:
        """Return the command that is due now, if one is."""

    def on_repeated_state(self, state: JointState, now: float) -> Command | None:
        """Return what is due for a state that has come before, in lock-step."""

    def after_answer(self) -> EpisodeState:
        """Do what can wait until the command is out; return where the run stands."""

    def leave(self) -> str:
        """Leave what runs: the clock of the states jumped, or the node is deactivated.

        Returns:
            What is lost, for the log.
        """

    def ready_to_arm(self) -> str:
        """Return what stands against arming, as a sentence; or nothing."""

    def on_timer(self, now: float) -> None:
        """Look, ten times a second, at what no state brings about."""

    def values(self) -> dict[str, object]:
        """Return the values for `/diagnostics`."""
