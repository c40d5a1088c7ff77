"""The control loop's side of the worker: transitions in, weights out, without waiting.

Only `wait_for` waits, and only synchronous training calls it. Synchronous training ends if the
worker ends unasked, because it could not be repeated otherwise. In real time the supervisor
restarts the worker, and every call here works meanwhile: pushed transitions wait in the ring, and
there are no newer weights.
"""

import os
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.config.settings import Config
from ddpg_ros.control.mlp import weight_count
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import LearnerDiedError
from ddpg_ros.extras import require
from ddpg_ros.files.last_resort import LAST_TRIES
from ddpg_ros.types import Episode, Experience, RecordLayout, Vector32
from ddpg_ros.worker.handle import SaveRequest, Target, WorkerHandle
from ddpg_ros.worker.heartbeat import Deadline, Heartbeat, HeartbeatMonitor
from ddpg_ros.worker.main import learn
from ddpg_ros.worker.messages import (
    EpisodeFinished,
    Failed,
    Resumption,
    Save,
    Stop,
    Stopped,
    WorkerEndpoint,
)
from ddpg_ros.worker.shared.mailbox import WeightMailbox
from ddpg_ros.worker.shared.memory import Counter, Wakeup
from ddpg_ros.worker.shared.ring import Ring
from ddpg_ros.worker.supervision import BACK_OFF, FailFastSupervisor, RestartingSupervisor, State

RING_CAPACITY = 4096  # [transitions]; four seconds of a worker that hangs, at 1 kHz
_RING_BYTES = 2**28  # [bytes] at most; large observations make the ring hold fewer transitions
START_TIMEOUT = 120.0  # [s]; the first import of torch on a cold disk
WAIT_TIMEOUT = 120.0  # [s] for the updates of one transition, without the wait for a compiler
_POLL = 0.01  # [s] between checks that the worker is alive
_MESSAGE_POLL = 0.02  # [s]
_EXIT_TIMEOUT = 0.1  # [s] between its last message and its end
_KILL_TIMEOUT = 1.0  # [s]; a process that waits for a disk cannot end
_EPISODES_KEPT = 1000  # finished episodes kept while there is no worker to send them to


class WorkerHealth(NamedTuple):
    """The worker's state, for diagnostics."""

    state: State
    heartbeat_age: float  # [s] since its last sign of life
    restarts: int
    version: int  # of the newest weights
    updates: int
    replay_fill: int  # [transitions]
    dropped: int  # [transitions]


class WorkerClient:
    """Starts the worker, feeds it and reads from it."""

    def __init__(
        self,
        config: Config,
        about: PolicyAbout,
        run_dir: Path,
        back_off: Sequence[float] = BACK_OFF,
        target: Target = learn,
        resumed: Resumption | None = None,
    ) -> None:
        """Start the process; it is ready when `wait_until_ready` returns.

        Args:
            config: everything.
            about: what the policy is for.
            run_dir: where the worker logs and saves.
            back_off: pauses before each restart of a worker that was lost [s].
            target: what the process runs.
            resumed: where a run of an earlier process goes on; None for a new one.

        Raises:
            MachineError: torch or TensorBoard is not installed.
        """
        require("torch", "tensorboard")
        self._synchronous = config.synchronous
        self._layout = RecordLayout(about.sizes[0], about.sizes[-1])
        fits = max(1, _RING_BYTES // (4 * self._layout.width))
        self._ring = Ring(min(RING_CAPACITY, fits), self._layout.width)
        self._mailbox = WeightMailbox(weight_count(about.sizes))
        self._progress, self._heartbeat = Counter(), Heartbeat()
        self._work, self._done = Wakeup(), Wakeup()
        self._make_endpoint = partial(
            WorkerEndpoint,
            config,
            self._layout,
            about,
            run_dir,
            os.getpid(),
            self._ring,
            self._mailbox,
            self._progress,
            self._heartbeat,
            self._work,
            self._done,
            resumed=resumed,
        )
        self._target = target
        self._version = 0
        self._stopped = False
        self._unsent: deque[EpisodeFinished] = deque(maxlen=_EPISODES_KEPT)
        self._save_requests = 0
        self._start_deadline = Deadline(self._heartbeat, START_TIMEOUT)
        self._supervisor: FailFastSupervisor | RestartingSupervisor
        if self._synchronous:
            self._supervisor = FailFastSupervisor(self._begin, self._mailbox)
        else:
            self._supervisor = RestartingSupervisor(
                self._begin, self._heartbeat, self._mailbox, START_TIMEOUT, back_off
            )

    def _begin(self, revived: bool) -> WorkerHandle:
        return WorkerHandle(lambda theirs: self._make_endpoint(theirs, revived), self._target)

    @property
    def cancelled(self) -> bool:
        """Set by a signal handler; every wait then ends."""
        return self._supervisor.cancelled

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._supervisor.cancelled = value

    @property
    def pid(self) -> int | None:
        """Process id of the worker."""
        return self._supervisor.handle.pid

    @property
    def dropped(self) -> int:
        """Transitions dropped because the ring was full: the worker was too slow, or absent."""
        return self._ring.dropped

    @property
    def updates(self) -> int:
        """Updates done up to the newest published weights."""
        return self._heartbeat.updates

    @property
    def absent(self) -> bool:
        """Whether the worker was lost and its successor is not ready; do not explore meanwhile."""
        return self._supervisor.absent

    def absent_for(self, now: float) -> float:
        """Return for how long the worker has been absent at `now` [s], monotonic, or 0.0."""
        return self._supervisor.absent_for(now)

    @property
    def health(self) -> WorkerHealth:
        """The worker's state; cheap to ask for."""
        return WorkerHealth(
            self._supervisor.state,
            self._heartbeat.age,
            self._supervisor.restarts,
            self._mailbox.version,
            self._heartbeat.updates,
            self._heartbeat.replay_fill,
            self._ring.dropped,
        )

    def wait_until_ready(self) -> None:
        """Wait until the first weights are there.

        Raises:
            LearnerDiedError: the worker ended instead, or took longer than `START_TIMEOUT`.
        """
        while not self.ready and not self.cancelled:
            time.sleep(0.01)

    @property
    def ready(self) -> bool:
        """Whether the first weights are there; raises as `wait_until_ready`."""
        if self._mailbox.version == 0:
            self._check()
            if self._synchronous:
                self._check_time(self._start_deadline)
        return self._mailbox.version > 0

    def push(self, experience: Experience) -> None:
        """Hand over one piece of experience; a full ring drops and counts it."""
        self._ring.push(self._layout.pack(experience))
        self._work.notify()

    def end_episode(
        self, step: int, episode: Episode, control: dict[str, Any] | None = None
    ) -> None:
        """Hand over an episode, for the worker's log, and with what a checkpoint may be made.

        Args:
            step: transitions before its end.
            episode: its result.
            control: what this side needs to go on from here, JSON.
        """
        self._unsent.append(EpisodeFinished(step, episode, control))
        self._send_episodes()

    def _send_episodes(self) -> None:
        while self._unsent and not self.absent and self._supervisor.handle.send(self._unsent[0]):
            self._unsent.popleft()
        self._work.notify()

    def newer_weights(self) -> Vector32 | None:
        """Return the newest weights, (w,), or None if there are none since the last call."""
        if self._mailbox.version <= self._version or self.absent:
            return None
        newest = self._mailbox.read()
        if newest is None or newest[0] <= self._version:
            return None
        self._version, weights = newest
        return weights

    def last_weights(self) -> Vector32 | None:
        """Return the newest weights, (w,), of any worker; None if none ever came."""
        newest = self._mailbox.read() if self._mailbox.version else None
        return None if newest is None else newest[1]

    def wait_for(self, step: int) -> None:
        """Wait until the updates that the first `step` transitions allow are done.

        Raises:
            LearnerDiedError: the worker ended, or hangs.
        """
        if self._progress.value >= step:
            return
        deadline = Deadline(self._heartbeat, WAIT_TIMEOUT)
        polls = 0
        while self._progress.value < step and not self.cancelled:
            self._done.wait(_POLL)
            polls += 1
            if polls % 5 == 0:
                self._check()
                self._check_time(deadline)

    def check(self) -> None:
        """Check that the worker has not ended; cheap enough for ten times a second.

        After `stop`, and once `cancelled` is set, its end is expected.

        Raises:
            LearnerDiedError: the worker ended; in real time, more often than it is restarted.
        """
        if not (self._stopped or self.cancelled):
            self._check()

    def save(self) -> SaveRequest:
        """Ask the worker to save its policy and a checkpoint now; does not wait."""
        self._save_requests += 1
        handle = self._supervisor.handle
        asked = not self.absent and handle.send(Save(self._save_requests))
        self._work.notify()
        return SaveRequest(handle, self._save_requests, asked, receives=self._synchronous)

    def stop(
        self,
        timeout: float,
        hurried: float,
        step: int | None = None,
        control: dict[str, Any] | None = None,
    ) -> Stopped | Failed | None:
        """Ask the worker to save and end; kill it if it does not.

        A worker that has not published its first weights has nothing to save, so that this does
        not wait for it.

        Args:
            timeout: how long to wait for the worker, and for one that is being restarted [s].
            hurried: how long to wait after `cancelled` is set [s].
            step: that the training has reached; None: what was handed over.
            control: what this side needs to go on from there with a new episode, JSON.

        Returns:
            The worker's last message, or None if none came in time.
        """
        self._stopped = True
        deadline = time.monotonic() + timeout
        while self._restarting and time.monotonic() < deadline:
            time.sleep(_MESSAGE_POLL)
        self._supervisor.end()
        handle, monitor = self._supervisor.handle, HeartbeatMonitor(self._heartbeat)
        self._send_episodes()
        patience = LAST_TRIES if timeout > LAST_TRIES else 0.0
        if (
            self._mailbox.version
            and not self.absent
            and handle.send(Stop(patience, step, control))
        ):
            self._work.notify()
            hangs = False
            while (
                handle.last is None and handle.alive and not hangs and time.monotonic() < deadline
            ):
                handle.wait(_MESSAGE_POLL)
                hangs = not self._synchronous and monitor.look()
                if self.cancelled:
                    deadline = min(deadline, time.monotonic() + hurried)
        handle.receive()  # a signal may have ended it before our message
        if not (handle.last and handle.join(_EXIT_TIMEOUT)):
            handle.kill(_KILL_TIMEOUT)
        return handle.last

    @property
    def _restarting(self) -> bool:
        return self.absent and self._supervisor.state != "gone" and not self.cancelled

    def _check(self) -> None:
        """Raise an error if the worker is gone for good."""
        if self._supervisor.state == "gone":
            raise LearnerDiedError(self._supervisor.why)

    def _check_time(self, deadline: Deadline) -> None:
        if deadline.has_passed:
            raise LearnerDiedError(
                "the learner does not answer; it was expected within "
                f"{deadline.limit:g} s. See its last words above, and the load of the machine."
            )
