"""The worker's loop: take transitions, learn, publish weights, log, save."""

import contextlib
import os
import time
from collections import deque

from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.machine import flush_subnormals
from ddpg_ros.algo.program import CHUNK
from ddpg_ros.config.run_directory import STATUS
from ddpg_ros.errors import LearnerDivergedError
from ddpg_ros.files.status import StatusFile
from ddpg_ros.worker.heartbeat import UpdateTimer
from ddpg_ros.worker.messages import (
    EpisodeFinished,
    Save,
    Saved,
    Stop,
    Stopped,
    WorkerEndpoint,
)
from ddpg_ros.worker.metrics_log import MetricsLog
from ddpg_ros.worker.prefill import prefill
from ddpg_ros.worker.saving import RunSaver

_IDLE = 0.02  # [s] between checks that the parent is alive
_COMPILE_POLL = 0.02  # [s]
_DISK_ALLOWANCE = 20.0  # [s] that a busy disk may take


class LearningLoop:
    """Takes transitions, learns, publishes weights, logs and saves, until it is told to stop."""

    def __init__(self, endpoint: WorkerEndpoint) -> None:
        """Make the learner; a restarted worker restores it from the checkpoint."""
        flush_subnormals()
        self._endpoint = endpoint
        settings = endpoint.config.learner
        seed, steps = endpoint.config.run.seed, endpoint.config.run.steps
        planned = max(0, steps - settings.warmup_steps) * settings.update_to_data
        self._offline = endpoint.config.run.offline
        if self._offline:
            planned = steps
        self._learner = Learner(settings, endpoint.layout, seed, planned)
        self._synchronous = endpoint.config.synchronous
        self._saver = RunSaver(endpoint)
        if endpoint.revived:
            self._saver.restore(self._learner)
            self._learner.go_on_from(endpoint.ring.popped)
        self._log = MetricsLog(endpoint.run_dir, go_on=endpoint.revived)
        prefill(self._learner, endpoint)
        self._status = StatusFile(endpoint.run_dir / STATUS, "training")
        self._timer = UpdateTimer()
        self._ended: deque[EpisodeFinished] = deque()
        self._asked_to_save: Save | None = None
        self._stopping = False
        self._patience = 0.0  # [s] for the last save

    def stop(self) -> None:
        """Save and end, as after `Stop`; for a signal to the whole process group."""
        self._stopping = True

    def close(self) -> None:
        """End the process that compiles, if there is one."""
        self._learner.close()

    def run(self) -> None:
        """Learn until told to stop, or until the parent is gone."""
        endpoint, learner = self._endpoint, self._learner
        if endpoint.config.learner.mode == "compile" and not self._await_compiled():
            return
        self._publish()
        while os.getppid() == endpoint.parent_pid:
            endpoint.heartbeat.beat(self._timer.turn(learner.compiling))
            records = endpoint.ring.pop_all()
            self._read_messages()
            self._log_episodes()  # before the records of the next one are counted
            if len(records):
                learner.add(records)
            if self._stopping:
                break
            if learner.due > 0:
                # in synchronous training every update is compiled: a run repeats to the last bit
                if not self._synchronous or self._await_compiled():
                    self._update()
            elif not len(records):
                asleep = time.perf_counter()
                endpoint.work.wait(_IDLE)
                self._log.waited += time.perf_counter() - asleep
            if learner.due <= 0 and endpoint.progress.value != learner.steps:
                endpoint.progress.value = learner.steps
                endpoint.done.notify()
            if self._saver.due or self._asked_to_save:
                self._save()
            self._show()
        else:
            return  # the parent is gone
        learner.add(endpoint.ring.pop_all())  # pushed before `Stop`, but after the last look
        while self._synchronous and learner.due > 0:
            self._update()
        self._log_episodes()
        endpoint.heartbeat.beat(_DISK_ALLOWANCE + self._patience)
        self._status.write(self._done, learner.updates)
        policy = self._saver.save_last(learner, self._patience)
        self._answer("" if policy == self._saver.policy else "there is no room")
        self._log.close()  # within the allowance of the save, as a disk may stall here, too
        with contextlib.suppress(OSError):  # the parent was killed
            endpoint.connection.send(Stopped(learner.updates, policy))

    def _await_compiled(self) -> bool:
        """Wait for the compiled update; return False if the worker is to stop before."""
        began = time.perf_counter()
        while self._learner.compiling:
            self._endpoint.heartbeat.beat(self._timer.turn(compiling=True))
            self._show(waiting=True)
            self._read_messages()
            if self._stopping or os.getppid() != self._endpoint.parent_pid:
                return False
            time.sleep(_COMPILE_POLL)
        self._learner.compile()
        self._log.waited += time.perf_counter() - began
        return True

    def _update(self) -> None:
        learner, count = self._learner, min(self._learner.due, CHUNK)
        self._endpoint.heartbeat.beat(self._timer.updates(count, learner.compiling))
        began = time.perf_counter()
        try:
            self._log.add(learner.update(count))
        except LearnerDivergedError:
            self._save()  # the last good policy
            raise
        self._timer.took(count, time.perf_counter() - began, learner.compiling)
        self._publish()

    def _publish(self) -> None:
        """Publish the weights under a version that is larger than any before a restart."""
        learner, mailbox = self._learner, self._endpoint.mailbox
        self._endpoint.heartbeat.show(learner.updates, len(learner.replay))
        mailbox.publish(learner.actor_weights(), mailbox.version + 1)

    @property
    def _done(self) -> int:
        """Of `run.steps`: steps of the arm or, offline, updates."""
        return self._learner.updates if self._offline else self._learner.steps

    def _show(self, waiting: bool = False) -> None:
        """Keep the file that the progress bar reads current; `waiting` for the compiled update."""
        if self._status.due:
            learner = self._learner
            self._endpoint.heartbeat.beat(_DISK_ALLOWANCE)
            self._status.write(self._done, learner.updates, waiting and learner.compiler_runs)
            self._endpoint.heartbeat.beat(self._timer.turn(learner.compiling))

    def _read_messages(self) -> None:
        """Read the messages of the control loop."""
        connection = self._endpoint.connection
        while connection.poll():
            try:
                message = connection.recv()
            except (EOFError, OSError):
                message = Stop()
            if isinstance(message, Stop):
                self._stopping, self._patience = True, message.patience
                return
            if isinstance(message, Save):
                self._asked_to_save = message
            else:
                self._ended.append(message)

    def _log_episodes(self) -> None:
        """Log finished episodes; in synchronous training only once all due updates are done."""
        if self._synchronous and self._learner.due > 0:
            return
        handed_over = self._learner.steps + self._endpoint.ring.dropped
        while self._ended and self._ended[0].step <= handed_over:
            finished = self._ended.popleft()
            learner = self._learner
            self._endpoint.heartbeat.beat(_DISK_ALLOWANCE)
            self._log.write(finished.step, learner.updates, len(learner.replay), finished.episode)
            self._status.add(finished.episode)
            self._endpoint.heartbeat.beat(self._timer.turn(learner.compiling))

    def _save(self) -> str:
        """Save, and answer a request; return why the save failed, or nothing."""
        self._endpoint.heartbeat.beat(_DISK_ALLOWANCE)
        error = self._saver.save(self._learner)
        self._answer(error)
        return error

    def _answer(self, error: str) -> None:
        """Answer a request to save, if there is one."""
        if self._asked_to_save:
            with contextlib.suppress(OSError):  # the parent is gone
                self._endpoint.connection.send(Saved(self._asked_to_save.number, error))
            self._asked_to_save = None
