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


def obeys(endpoint):
    """Publish the number of this life as weights, beat, and do as it is told."""
    version = endpoint.mailbox.version + 1
    endpoint.mailbox.publish(np.full(endpoint.mailbox.size, version, dtype=np.float32), version)
    episodes = 0
    while os.getppid() == endpoint.parent_pid:
        endpoint.heartbeat.beat(ALLOWANCE)
        endpoint.heartbeat.show(endpoint.ring.popped, episodes)
        endpoint.ring.pop_all()
        while endpoint.connection.poll():
            message = endpoint.connection.recv()
            episodes += isinstance(message, EpisodeFinished)
            if isinstance(message, Save):
                endpoint.connection.send(Saved(message.number, ""))
            if isinstance(message, Stop):
                endpoint.connection.send(Stopped(episodes, None))
                return
        time.sleep(BEAT)


def counts_what_it_finds(endpoint):
    """Take turns, slowly; the last word is how many records there were at once, at most."""
    endpoint.mailbox.publish(np.zeros(endpoint.mailbox.size, dtype=np.float32), 1)
    most = 0
    while os.getppid() == endpoint.parent_pid:
        most = max(most, len(endpoint.ring.pop_all()))
        time.sleep(BEAT)  # who does not wait hands over more meanwhile
        endpoint.progress.value = endpoint.ring.popped
        endpoint.done.notify()
        while endpoint.connection.poll():
            if isinstance(endpoint.connection.recv(), Stop):
                endpoint.connection.send(Stopped(most, None))
                return


def compiles_for_long(endpoint):
    """Be one that waits for its compiler for 2 s, and shows that it does; then answer."""
    endpoint.mailbox.publish(np.zeros(endpoint.mailbox.size, dtype=np.float32), 1)
    endpoint.heartbeat.waits_for_compiler = True
    ready = time.monotonic() + 2.0
    while time.monotonic() < ready:
        endpoint.heartbeat.beat(ALLOWANCE)
        time.sleep(BEAT)
    endpoint.heartbeat.waits_for_compiler = False
    while os.getppid() == endpoint.parent_pid:
        endpoint.ring.pop_all()
        endpoint.progress.value = endpoint.ring.popped
        time.sleep(BEAT)


def idles(endpoint):
    """Be one that beats and never answers, and compiles nothing."""
    endpoint.mailbox.publish(np.zeros(endpoint.mailbox.size, dtype=np.float32), 1)
    while os.getppid() == endpoint.parent_pid:
        endpoint.heartbeat.beat(ALLOWANCE)
        time.sleep(BEAT)


def dies_at_once(endpoint):
    """Be one that cannot even start."""
    os._exit(3)


def dies_when_revived(endpoint):
    """Be well once, and never again."""
    if endpoint.revived:
        os._exit(3)
    obeys(endpoint)


def says_why(endpoint):
    """Fail with a word, as a setting that cannot be makes it."""
    endpoint.connection.send(Failed("learner.device is 'gpu'; expected cpu."))


def fails_at_the_end(endpoint):
    """Be well until it is told to stop: the last updates, which it owes then, diverge."""
    endpoint.mailbox.publish(np.zeros(endpoint.mailbox.size, dtype=np.float32), 1)
    while not (endpoint.connection.poll(BEAT) and isinstance(endpoint.connection.recv(), Stop)):
        assert os.getppid() == endpoint.parent_pid
    endpoint.connection.send(Failed("the learner diverges."))


def hangs_when_asked_to_save(endpoint):
    """Go silent in the middle of life, within a call that never returns."""
    version = endpoint.mailbox.version + 1
    endpoint.mailbox.publish(np.full(endpoint.mailbox.size, version, dtype=np.float32), version)
    while not endpoint.connection.poll():
        endpoint.heartbeat.beat(ALLOWANCE)
        time.sleep(BEAT)
    if endpoint.revived:
        obeys(endpoint)
    signal.pause()


def dies_in_the_middle_of_publishing(endpoint):
    """Leave a half-written set of weights and a wakeup that it waits for."""
    if endpoint.revived:
        obeys(endpoint)
        return
    for version in (1, 2):
        endpoint.mailbox.publish(
            np.full(endpoint.mailbox.size, version, dtype=np.float32), version
        )
    older = 1 - endpoint.mailbox._newest()
    endpoint.mailbox._marks[older][0] = 3
    endpoint.mailbox._weights[older][: endpoint.mailbox.size // 2] = np.nan
    endpoint.work.wait(5.0)
    os.kill(os.getpid(), signal.SIGKILL)


def runs_out_of_memory(endpoint):
    """Be the real learner, for which there is no memory at its 20th update."""
    from ddpg_ros.algo.learner import Learner

    update = Learner.update

    def hungry(self, count=1):
        if self.updates >= 20:
            raise MemoryError
        return update(self, count)

    if not endpoint.revived:
        Learner.update = hungry
    learn(endpoint)


def is_killed_after_its_first_file(endpoint):
    """Be the real learner, which gets SIGKILL between the two files of its first save."""
    from ddpg_ros.worker import saving as keeper

    def killed_after(write):
        def written(*arguments):
            write(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        return written

    if not endpoint.revived:
        keeper.write_generation = killed_after(keeper.write_generation)
        keeper.save_policy = killed_after(keeper.save_policy)
    learn(endpoint)


def is_terminated_while_it_saves(endpoint):
    """Be the real learner, which gets SIGTERM between the write of a file and its new name."""
    fsync = os.fsync

    def terminated(file):
        os.kill(os.getpid(), signal.SIGTERM)
        fsync(file)

    os.fsync = terminated
    learn(endpoint)


def closes_its_log_slowly(endpoint):
    """Be the real learner, with a disk that stalls for longer than a turn of the loop may last."""
    from ddpg_ros.worker.metrics_log import MetricsLog

    close = MetricsLog.close

    def stalled(self):
        time.sleep(HEARTBEAT_TIMEOUT + 1.0)
        close(self)

    MetricsLog.close = stalled
    learn(endpoint)


def has_no_disk(endpoint):
    """Be the real learner, whose files can hold no byte more than a few."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where output is a file, it is full, too
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
    learn(endpoint)


def has_no_room_in_its_directory(endpoint):
    """Be the real learner, for whose policy and checkpoint there is no room until `room` exists.

    Other disks have room.
    """
    from ddpg_ros.files import sealed as sealed_file
    from ddpg_ros.worker import saving as keeper

    def full(write):
        def written(path, *more):
            if endpoint.run_dir in path.parents and not (endpoint.run_dir / "room").exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            write(path, *more)

        return written

    sealed_file.write_whole = full(sealed_file.write_whole)
    keeper.write_generation = full(keeper.write_generation)
    learn(endpoint)
