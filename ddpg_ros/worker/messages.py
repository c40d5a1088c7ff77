"""What agent and learner say to each other beside transitions and weights."""

from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.types import Episode, RecordLayout
from ddpg_ros.worker.heartbeat import Heartbeat
from ddpg_ros.worker.shared.mailbox import WeightMailbox
from ddpg_ros.worker.shared.memory import Counter, Wakeup
from ddpg_ros.worker.shared.ring import Ring


@dataclass(frozen=True)
class EpisodeFinished:
    """Tells the learner that an episode ended after `step` transitions."""

    step: int
    episode: Episode


@dataclass(frozen=True)
class Save:
    """Asks the learner to save now."""

    number: int  # of the request


@dataclass(frozen=True)
class Saved:
    """The learner's answer to `Save`."""

    number: int
    error: str  # why it could not; empty: policy and checkpoint are on the disk


@dataclass(frozen=True)
class Stop:
    """Asks the learner to save and to end."""

    patience: float = 0.0  # [s] to try to save again where there is no room


@dataclass(frozen=True)
class Stopped:
    """The learner's last word."""

    updates: int
    policy: Path | None  # None: it could not be saved


@dataclass(frozen=True)
class Failed:
    """The learner's last word where it could not go on."""

    message: str


@dataclass(frozen=True)
class WorkerEndpoint:
    """All that the learner's process is given. What is shared memory outlives the process."""

    config: Config
    layout: RecordLayout
    about: PolicyAbout
    run_dir: Path
    parent_pid: int
    ring: Ring
    mailbox: WeightMailbox
    progress: Counter  # transitions whose share of updates is done
    heartbeat: Heartbeat
    work: Wakeup  # rung by the agent: there are transitions, or a message
    done: Wakeup  # rung by the learner: there is progress
    connection: Connection
    revived: bool = False  # another learner of this run came before
