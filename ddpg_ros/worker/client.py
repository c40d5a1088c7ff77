"""The learner's process, as the agent sees it: transitions in, weights out, never a wait.

Only `wait_for` waits, and only lock-step training asks it to. Taking turns, a learner that ends
unasked ends the run, which could not be repeated otherwise. In real time it is revived
(`revival.py`), and all calls here go on as if nothing were: what is pushed waits in the ring, and
there are no newer weights.
"""

import os
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from ddpg_ros.config.settings import Config
from ddpg_ros.control.mlp import weight_count
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import LearnerDiedError
from ddpg_ros.extras import require
from ddpg_ros.files.last_resort import LAST_TRIES
from ddpg_ros.types import Episode, Experience, RecordLayout, Vector32
from ddpg_ros.worker.handle import SPAWN, Target, WorkerHandle, learn
from ddpg_ros.worker.health import SaveRequest, WorkerHealth
from ddpg_ros.worker.heartbeat import Heartbeat, HeartbeatMonitor
from ddpg_ros.worker.messages import EpisodeFinished, Failed, Save, Stop, Stopped, WorkerEndpoint
from ddpg_ros.worker.shared.counter import Counter
from ddpg_ros.worker.shared.mailbox import WeightMailbox
from ddpg_ros.worker.shared.ring import Ring
from ddpg_ros.worker.shared.wakeup import Wakeup
from ddpg_ros.worker.supervision import BACK_OFF, FailFastSupervisor, RestartingSupervisor

RING_CAPACITY = 4096  # [transitions]; at 1 kHz four seconds of a learner that hangs
_RING_BYTES = 2**28  # at most; observations of pictures take fewer transitions
START_TIMEOUT = 120.0  # [s]; the first import of torch on a cold disk
WAIT_TIMEOUT = 120.0  # [s] for the updates of one transition; the first may be compiling
_POLL = 0.01  # [s] between looks whether the learner lives
_WORD_POLL = 0.02  # [s]
_END_TIMEOUT = 0.1  # [s] between its last word and its end
_KILL_TIMEOUT = 1.0  # [s]; a process in the middle of a disk's work cannot end
_EPISODES_KEPT = 1000  # that ended while there was no learner to tell


class WorkerClient:
    """Starts the learner, feeds it and reads from it."""

    def __init__(
        self,
        config: Config,
        about: PolicyAbout,
        run_dir: Path,
        back_off: Sequence[float] = BACK_OFF,
        target: Target = learn,
    ) -> None:
        """Start the process; it is ready when `wait_until_ready` returns.

        Args:
            config: everything.
            about: what its policy is.
            run_dir: where it logs and saves.
            back_off: pauses before each new start of a learner that was lost [s].
            target: what the process runs.

        Raises:
            MachineError: torch or TensorBoard is not installed.
        """
        require("torch", "tensorboard")
        self._config, self._about, self._run_dir = config, about, run_dir
        self._layout = RecordLayout(about.sizes[0], about.sizes[-1])
        fits = max(1, _RING_BYTES // (4 * self._layout.width))
        self._ring = Ring(min(RING_CAPACITY, fits), self._layout.width)
        self._slot = WeightMailbox(weight_count(about.sizes))
        self._progress, self._pulse = Counter(), Heartbeat()
        self._work, self._done = Wakeup(SPAWN), Wakeup(SPAWN)
        self._target = target
        self._version = 0
        self._untold: deque[EpisodeFinished] = deque(maxlen=_EPISODES_KEPT)
        self._save_requests = 0
        self._start_deadline = time.monotonic() + START_TIMEOUT
        self._watch: FailFastSupervisor | RestartingSupervisor
        if config.synchronous:
            self._watch = FailFastSupervisor(self._begin, self._slot)
        else:
            self._watch = RestartingSupervisor(
                self._begin, self._pulse, self._slot, START_TIMEOUT, back_off
            )

    def _begin(self, revived: bool) -> WorkerHandle:
        def end(theirs: Connection) -> WorkerEndpoint:
            return WorkerEndpoint(
                self._config,
                self._layout,
                self._about,
                self._run_dir,
                os.getpid(),
                self._ring,
                self._slot,
                self._progress,
                self._pulse,
                self._work,
                self._done,
                theirs,
                revived,
            )

        return WorkerHandle(end, self._target)

    @property
    def cancelled(self) -> bool:
        """Set by a signal handler: no wait lasts any longer."""
        return self._watch.cancelled

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._watch.cancelled = value

    @property
    def pid(self) -> int | None:
        """Process id of the learner."""
        return self._watch.life.pid

    @property
    def dropped(self) -> int:
        """Transitions dropped because the learner could not keep up, or was not there."""
        return self._ring.dropped

    @property
    def updates(self) -> int:
        """Updates done, as far as they have been published."""
        return self._pulse.updates

    @property
    def absent(self) -> bool:
        """Whether the learner was lost and no other is there yet: nobody should explore."""
        return self._watch.absent

    def absent_for(self, now: float) -> float:
        """Return how long that has been so at `now` [s] of the monotonic clock, or 0.0."""
        return self._watch.absent_for(now)

    @property
    def health(self) -> WorkerHealth:
        """How the learner is; cheap."""
        return WorkerHealth(
            self._watch.state,
            self._pulse.age,
            self._watch.restarts,
            self._slot.version,
            self._pulse.updates,
            self._pulse.replay_fill,
            self._ring.dropped,
        )

    def wait_until_ready(self) -> None:
        """Wait until the first weights are there.

        Raises:
            LearnerDiedError: it ended instead, or took longer than `START_TIMEOUT`.
        """
        while not self.ready and not self.cancelled:
            time.sleep(0.01)

    @property
    def ready(self) -> bool:
        """Whether the first weights are there; raises as `wait_until_ready`."""
        if self._slot.version == 0:
            self._check()
            if self._config.synchronous:
                self._check_time(self._start_deadline, START_TIMEOUT)
        return self._slot.version > 0

    def push(self, experience: Experience) -> None:
        """Hand over one piece of experience; dropped and counted where the ring is full."""
        self._ring.push(self._layout.pack(experience))
        self._work.ring()

    def end_episode(self, step: int, episode: Episode) -> None:
        """Hand over a finished episode, for the log."""
        self._untold.append(EpisodeFinished(step, episode))
        self._tell()

    def _tell(self) -> None:
        while self._untold and not self.absent and self._watch.life.say(self._untold[0]):
            self._untold.popleft()
        self._work.ring()

    def newer_weights(self) -> Vector32 | None:
        """Return the newest weights, flat, or None where none are newer than those before."""
        if self._slot.version <= self._version or self.absent:
            return None
        newest = self._slot.read()
        if newest is None or newest[0] <= self._version:
            return None
        self._version, weights = newest
        return weights

    def last_weights(self) -> Vector32 | None:
        """Return the newest weights of any learner, flat, or None where none ever came."""
        newest = self._slot.read() if self._slot.version else None
        return None if newest is None else newest[1]

    def wait_for(self, step: int) -> None:
        """Wait until the updates that the first `step` transitions allow are done.

        Raises:
            LearnerDiedError: the learner ended, or hangs.
        """
        if self._progress.value >= step:
            return
        deadline = time.monotonic() + WAIT_TIMEOUT
        polls = 0
        while self._progress.value < step and not self.cancelled:
            self._done.wait(_POLL)
            polls += 1
            if polls % 5 == 0:
                self._check()
                self._check_time(deadline, WAIT_TIMEOUT)

    def check(self) -> None:
        """Look whether the learner is still there; cheap enough for ten times a second.

        Raises:
            LearnerDiedError: the learner ended; in real time, more often than it is revived.
        """
        if not self.cancelled:  # then it is ending, and may be gone before us
            self._check()

    def save(self) -> SaveRequest:
        """Ask the learner to save its policy and a checkpoint now; without a wait."""
        self._save_requests += 1
        life = self._watch.life
        asked = not self.absent and life.say(Save(self._save_requests))
        self._work.ring()
        return SaveRequest(life, self._save_requests, asked, hear=self._config.synchronous)

    def stop(self, timeout: float, hurried: float) -> Stopped | Failed | None:
        """Ask the learner to save and end; kill it where it does not.

        Args:
            timeout: how long to wait for it [s]; also for one that is being revived.
            hurried: how long to wait from the moment at which `cancelled` is set [s].

        Returns:
            Its last word, or None where it had none in time. One that has not given its first
            weights yet has nothing to save and is not waited for.
        """
        deadline = time.monotonic() + timeout
        while self._being_revived and time.monotonic() < deadline:
            time.sleep(_WORD_POLL)
        self._watch.end()
        life, listener = self._watch.life, HeartbeatMonitor(self._pulse)
        self._tell()
        patience = LAST_TRIES if timeout > LAST_TRIES else 0.0
        if self._slot.version and not self.absent and life.say(Stop(patience)):
            self._work.ring()
            hangs = False
            while life.last is None and life.alive and not hangs and time.monotonic() < deadline:
                life.wait(_WORD_POLL)
                hangs = not self._config.synchronous and listener.look()
                if self.cancelled:
                    deadline = min(deadline, time.monotonic() + hurried)
        life.hear()  # one that a signal ended before our word has said its last already
        if not (life.last and life.join(_END_TIMEOUT)):
            life.kill(_KILL_TIMEOUT)
        return life.last

    @property
    def _being_revived(self) -> bool:
        return self.absent and self._watch.state != "gone" and not self.cancelled

    def _check(self) -> None:
        """Raise where the learner is gone for good."""
        if self._watch.state == "gone":
            raise LearnerDiedError(self._watch.why)

    def _check_time(self, deadline: float, limit: float) -> None:
        if time.monotonic() > deadline:
            raise LearnerDiedError(
                "the learner does not answer; it was expected within "
                f"{limit:g} s. See its last words above, and the load of the machine."
            )
