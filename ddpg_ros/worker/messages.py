"""Messages between the control loop and the worker, besides transitions and weights."""

from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.types import Episode, RecordLayout
from ddpg_ros.worker.heartbeat import Heartbeat
from ddpg_ros.worker.shared.mailbox import WeightMailbox
from ddpg_ros.worker.shared.memory import Counter, Wakeup
from ddpg_ros.worker.shared.ring import Ring


@dataclass(frozen=True)
class Resumption:
    """Where a resumed run goes on."""

    generation: Path
    step: int  # transitions that the control side had handed over by then
    over: bool = False  # whether its training had ended; only the policy is wanted


@dataclass(frozen=True)
class EpisodeFinished:
    """To the worker: an episode ended after `step` transitions."""

    step: int
    episode: Episode
    control: dict[str, Any] | None = None
    """JSON: what the control side needs to go on from here; the checkpoint keeps it."""


@dataclass(frozen=True)
class Save:
    """To the worker: save now."""

    number: int  # of the request


@dataclass(frozen=True)
class Saved:
    """From the worker: the answer to `Save`."""

    number: int
    error: str  # why the save failed; empty if policy and checkpoint are on the disk


@dataclass(frozen=True)
class Stop:
    """To the worker: save and end."""

    patience: float = 0.0  # [s] to try again if the disk is full
    step: int | None = None  # that the control side has reached; it may keep the last few
    control: dict[str, Any] | None = None  # its state then, JSON


@dataclass(frozen=True)
class Stopped:
    """From the worker: the last message of one that was asked to stop."""

    updates: int
    policy: Path | None  # None if it could not be saved


@dataclass(frozen=True)
class Failed:
    """From the worker: the last message of one that could not go on."""

    message: str


@dataclass(frozen=True)
class WorkerEndpoint:
    """All that the worker's process is given; the shared memory outlives the process."""

    config: Config
    layout: RecordLayout
    about: PolicyAbout
    run_dir: Path
    parent_pid: int
    ring: Ring
    mailbox: WeightMailbox
    progress: Counter  # transitions whose updates are done
    heartbeat: Heartbeat
    work: Wakeup  # notified by the control loop: transitions, or a message
    done: Wakeup  # notified by the worker: there is progress
    connection: Connection
    revived: bool = False  # the successor of a worker that was lost
    resumed: Resumption | None = None  # the run began in an earlier process
