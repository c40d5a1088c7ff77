"""Learner processes that do as a test wants: cheap ones without torch, and the real one, hurt.

A module of its own: the spawned process imports it by name.
"""

import errno
import os
import resource
import signal
import time

import numpy as np

from ddpg_ros.worker.heartbeat import HEARTBEAT_TIMEOUT
from ddpg_ros.worker.main import learn
from ddpg_ros.worker.messages import EpisodeFinished, Failed, Save, Saved, Stop, Stopped

BEAT = 0.01  # [s]
ALLOWANCE = 1.0  # [s]; less than the real one, for quick tests, and enough on a loaded machine


def obeys(end):
    """Publish the number of this life as weights, beat, and do as it is told."""
    version = end.slot.version + 1
    end.slot.publish(np.full(end.slot.size, version, dtype=np.float32), version)
    episodes = 0
    while os.getppid() == end.parent_pid:
        end.pulse.beat(ALLOWANCE)
        end.pulse.show(end.ring.popped, episodes)
        end.ring.pop_all()
        while end.connection.poll():
            message = end.connection.recv()
            episodes += isinstance(message, EpisodeFinished)
            if isinstance(message, Save):
                end.connection.send(Saved(message.number, ""))
            if isinstance(message, Stop):
                end.connection.send(Stopped(episodes, None))
                return
        time.sleep(BEAT)


def counts_what_it_finds(end):
    """Take turns, slowly; the last word is how many records there were at once, at most."""
    end.slot.publish(np.zeros(end.slot.size, dtype=np.float32), 1)
    most = 0
    while os.getppid() == end.parent_pid:
        most = max(most, len(end.ring.pop_all()))
        time.sleep(BEAT)  # who does not wait hands over more meanwhile
        end.progress.value = end.ring.popped
        end.done.ring()
        while end.connection.poll():
            if isinstance(end.connection.recv(), Stop):
                end.connection.send(Stopped(most, None))
                return


def dies_at_once(end):
    """Be one that cannot even start."""
    os._exit(3)


def dies_when_revived(end):
    """Be well once, and never again."""
    if end.revived:
        os._exit(3)
    obeys(end)


def says_why(end):
    """Fail with a word, as a setting that cannot be makes it."""
    end.connection.send(Failed("learner.device is 'gpu'; expected cpu."))


def fails_at_the_end(end):
    """Be well until it is told to stop: the last updates, which it owes then, diverge."""
    end.slot.publish(np.zeros(end.slot.size, dtype=np.float32), 1)
    while not (end.connection.poll(BEAT) and isinstance(end.connection.recv(), Stop)):
        assert os.getppid() == end.parent_pid
    end.connection.send(Failed("the learner diverges."))


def hangs_when_asked_to_save(end):
    """Go silent in the middle of life, within a call that never returns."""
    version = end.slot.version + 1
    end.slot.publish(np.full(end.slot.size, version, dtype=np.float32), version)
    while not end.connection.poll():
        end.pulse.beat(ALLOWANCE)
        time.sleep(BEAT)
    if end.revived:
        obeys(end)
    signal.pause()


def dies_in_the_middle_of_publishing(end):
    """Leave a half-written set of weights and a bell that it waits at."""
    if end.revived:
        obeys(end)
        return
    for version in (1, 2):
        end.slot.publish(np.full(end.slot.size, version, dtype=np.float32), version)
    older = 1 - end.slot._newest()
    end.slot._marks[older][0] = 3
    end.slot._weights[older][: end.slot.size // 2] = np.nan
    end.work.wait(5.0)
    os.kill(os.getpid(), signal.SIGKILL)


def runs_out_of_memory(end):
    """Be the real learner, for which there is no memory at its 20th update."""
    from ddpg_ros.algo.learner import Learner

    update = Learner.update

    def hungry(self, count=1):
        if self.updates >= 20:
            raise MemoryError
        return update(self, count)

    if not end.revived:
        Learner.update = hungry
    learn(end)


def is_killed_after_its_first_file(end):
    """Be the real learner, which gets SIGKILL between the two files of its first save."""
    from ddpg_ros.worker import saving as keeper

    def killed_after(write):
        def written(*arguments):
            write(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        return written

    if not end.revived:
        keeper.save_checkpoint = killed_after(keeper.save_checkpoint)
        keeper.save_policy = killed_after(keeper.save_policy)
    learn(end)


def is_terminated_while_it_saves(end):
    """Be the real learner, which gets SIGTERM between the write of a file and its new name."""
    fsync = os.fsync

    def terminated(file):
        os.kill(os.getpid(), signal.SIGTERM)
        fsync(file)

    os.fsync = terminated
    learn(end)


def closes_its_log_slowly(end):
    """Be the real learner, with a disk that stalls for longer than a turn of the loop may last."""
    from ddpg_ros.worker.metrics_log import MetricsLog

    close = MetricsLog.close

    def stalled(self):
        time.sleep(HEARTBEAT_TIMEOUT + 1.0)
        close(self)

    MetricsLog.close = stalled
    learn(end)


def has_no_disk(end):
    """Be the real learner, whose files can hold no byte more than a few."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where output is a file, it is full, too
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
    learn(end)


def has_no_room_in_its_directory(end):
    """Be the real learner, for whose policy and checkpoint there is no room until `room` exists.

    Other disks have room.
    """
    from ddpg_ros.files import sealed as sealed_file

    write = sealed_file.write_whole

    def full(path, content, previous=None):
        if end.run_dir in path.parents and not (end.run_dir / "room").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, content, previous)

    sealed_file.write_whole = full
    learn(end)
