"""The worker's loop: take transitions, learn, publish weights, log, save."""

import contextlib
import os
import time
from collections import deque
from typing import Any

from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.machine import flush_subnormals
from ddpg_ros.algo.program import CHUNK
from ddpg_ros.config.run_directory import METRICS, STATUS
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
from ddpg_ros.worker.metrics_log import ALL, NOTHING, Kept, MetricsLog
from ddpg_ros.worker.prefill import prefill
from ddpg_ros.worker.saving import Course, RunSaver
from ddpg_ros.worker.warm_start_file import warm_start_of

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
        self._over = endpoint.resumed is not None and endpoint.resumed.over
        if self._over:
            planned = 0
        warm = warm_start_of(endpoint.config, endpoint.run_dir)
        self._learner = Learner(settings, endpoint.layout, seed, planned, warm)
        self._synchronous = endpoint.config.synchronous
        self._saver = RunSaver(endpoint)
        self._control: dict[str, Any] | None = None  # at the last end of an episode
        self._ended_at: int | None = None  # step of that end, if it is known to the bit
        self._lock = self._saver.keep_others_out()
        self._log = MetricsLog(endpoint.run_dir, self._go_on())
        prefill(self._learner, endpoint)
        self._status = StatusFile(endpoint.run_dir / STATUS, "training")
        self._timer = UpdateTimer()
        self._ended: deque[EpisodeFinished] = deque()
        self._asked_to_save: Save | None = None
        self._stopping = False
        self._patience = 0.0  # [s] for the last save
        self._last_step: int | None = None  # of the control side
        self._last_control: dict[str, Any] | None = None

    def _go_on(self) -> Kept:
        """Restore the learner of an earlier process; return what of its logs is kept."""
        endpoint, learner = self._endpoint, self._learner
        resumed, popped = endpoint.resumed, endpoint.ring.popped
        began_at = resumed.step if resumed is not None else 0
        generation, kept = None, NOTHING
        if endpoint.revived:
            generation, kept = self._saver.revive(learner), ALL
            learner.go_on_from(began_at + popped)
        elif resumed is not None:
            generation = self._saver.resume(learner, resumed.generation)
            kept = Kept(generation.grown[METRICS].bytes, generation.document["events"])
        if generation is not None:
            self._control = generation.document["control"]
            if generation.document["exact"]:
                self._ended_at = generation.document["step"]
        # a full ring drops transitions, which the control side counts and the learner does not
        self._never_arrived = began_at + popped - learner.steps
        return kept

    @property
    def _handed_over(self) -> int:
        """Transitions that the control side has handed over, dropped ones included."""
        return self._learner.steps + self._never_arrived + self._endpoint.ring.dropped

    def stop(self) -> None:
        """Save and end, as after `Stop`; for a signal to the whole process group."""
        self._stopping = True

    def close(self) -> None:
        """End the process that compiles, if there is one."""
        self._learner.close()
        self._lock.close()

    def run(self) -> None:
        """Learn until told to stop, or until the parent is gone."""
        endpoint, learner = self._endpoint, self._learner
        compiles = endpoint.config.learner.mode == "compile" and not self._over
        if compiles and not self._await_compiled():
            return
        self._publish()
        while os.getppid() == endpoint.parent_pid:
            endpoint.heartbeat.beat(self._timer.turn(learner.compiling))
            records = endpoint.ring.pop_all()
            self._read_messages()
            self._end_episodes()  # before the records of the next one are counted
            if len(records):
                learner.add(records)
            if self._stopping:
                break
            if learner.due > 0 and not self._over:
                # in synchronous training every update is compiled: a run repeats to the last bit
                if not self._synchronous or self._await_compiled():
                    self._update()
            elif not len(records):
                asleep = time.perf_counter()
                endpoint.work.wait(_IDLE)
                self._log.waited += time.perf_counter() - asleep
            if (learner.due <= 0 or self._over) and endpoint.progress.value != self._handed_over:
                endpoint.progress.value = self._handed_over
                endpoint.done.notify()
            if self._asked_to_save or self._is_due:
                self._save()
            self._show()
        else:
            return  # the parent is gone
        learner.add(endpoint.ring.pop_all())  # pushed before `Stop`, but after the last look
        while self._synchronous and learner.due > 0 and not self._offline:
            self._update()
        self._end_episodes()
        endpoint.heartbeat.beat(_DISK_ALLOWANCE + self._patience)
        self._status.write(self._done, learner.updates)
        policy = self._saver.save_last(learner, self._write_last, self._patience)
        self._answer("" if policy == self._saver.policy else "there is no room")
        self._log.close()  # within the allowance of the save, as a disk may stall here, too
        with contextlib.suppress(OSError):  # the parent was killed
            endpoint.connection.send(Stopped(learner.updates, policy))

    def _await_compiled(self) -> bool:
        """Wait for the compiled update; return False if the worker is to stop before."""
        began = time.perf_counter()
        self._endpoint.heartbeat.waits_for_compiler = self._learner.compiling
        while self._learner.compiling:
            self._endpoint.heartbeat.beat(self._timer.turn(compiling=True))
            self._show(waiting=True)
            self._read_messages()
            if self._stopping or os.getppid() != self._endpoint.parent_pid:
                return False
            time.sleep(_COMPILE_POLL)
        self._learner.compile()
        self._endpoint.heartbeat.waits_for_compiler = False
        self._log.waited += time.perf_counter() - began
        return True

    def _update(self) -> None:
        learner, count = self._learner, min(self._learner.due, CHUNK)
        self._endpoint.heartbeat.beat(self._timer.updates(count, learner.compiling))
        began = time.perf_counter()
        try:
            self._log.add(learner.update(count))
        except LearnerDivergedError:
            self._saver.save_policy(learner)  # the last good one; no checkpoint would go on well
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
                self._last_step, self._last_control = message.step, message.control
                return
            if isinstance(message, Save):
                self._asked_to_save = message
            else:
                self._ended.append(message)

    def _end_episodes(self) -> None:
        """Log finished episodes; in synchronous training only once all due updates are done.

        Synchronous training saves here: at this point a run that is resumed repeats to the bit.
        """
        if self._synchronous and self._learner.due > 0:
            return
        while self._ended and self._ended[0].step <= self._handed_over:
            finished = self._ended.popleft()
            learner = self._learner
            self._endpoint.heartbeat.beat(_DISK_ALLOWANCE)
            self._log.write(finished.step, learner.updates, len(learner.replay), finished.episode)
            self._status.add(finished.episode)
            self._control, self._ended_at = finished.control, finished.step
            if self._is_exact and (self._saver.due(finished.step) or not self._saver.has_tried):
                self._save()
            self._endpoint.heartbeat.beat(self._timer.turn(learner.compiling))

    @property
    def _step(self) -> int:
        """The step that the control side is at, as far as it is known here."""
        return self._handed_over if self._last_step is None else self._last_step

    @property
    def _is_exact(self) -> bool:
        """Whether a run that is resumed from a checkpoint of now repeats to the last bit."""
        return self._synchronous and self._ended_at == self._step == self._handed_over

    @property
    def _is_due(self) -> bool:
        """Whether to save in the middle of an episode: not if its end is soon enough."""
        return self._saver.overdue if self._synchronous else self._saver.due(self._handed_over)

    @property
    def _keeps_the_last(self) -> bool:
        """Whether the checkpoint at the last end of an episode is better than one of now.

        In synchronous training it is: the steps since then are repeated to the bit. At the end of
        the training, and in one without an arm, there is nothing to repeat. If the training had
        ended before this process, nothing is new.
        """
        if not self._saver.has_generation or self._over:
            return self._saver.has_generation
        finished = self._offline or self._step >= self._endpoint.config.run.steps
        return self._synchronous and not finished

    def _save(self) -> str:
        """Save, and answer a request; return why the save failed, or nothing."""
        self._endpoint.heartbeat.beat(_DISK_ALLOWANCE)
        asked = self._asked_to_save is not None
        if self._is_exact or asked or not self._keeps_the_last:
            error = self._saver.save(self._learner, self._course, self._log)
        else:
            error = self._saver.save_policy(self._learner)
        self._answer(error)
        return error

    def _write_last(self) -> str:
        """Write what the end of this process leaves; return why that failed, or nothing."""
        if self._keeps_the_last and not self._asked_to_save:
            return self._saver.save_policy(self._learner)
        return self._saver.save(self._learner, self._course, self._log)

    @property
    def _course(self) -> Course:
        """Where the training stands, for a checkpoint of now."""
        control = self._control if self._is_exact else self._last_control or self._control
        return Course(self._step, control, self._is_exact)

    def _answer(self, error: str) -> None:
        """Answer a request to save, if there is one."""
        if self._asked_to_save:
            with contextlib.suppress(OSError):  # the parent is gone
                self._endpoint.connection.send(Saved(self._asked_to_save.number, error))
            self._asked_to_save = None
