"""A learner that gives new weights, and then some of an older version."""

import os
import time

import numpy as np

from ddpg_ros.worker.messages import Stop

VERSIONS = (1, 5, 3)


def goes_back(end):
    """Publish a version, and the next with each transition; the number is the weights, too."""
    given, wanted = 0, 1
    while os.getppid() == end.parent_pid:
        end.pulse.beat(1.0)
        wanted += len(end.ring.pop_all())
        if given < min(wanted, len(VERSIONS)):
            version = VERSIONS[given]
            try:
                end.slot.publish(np.full(end.slot.size, version, dtype=np.float32), version)
            except ValueError:  # as it should be; one that is out of its mind writes it anyway
                for marks, weights in zip(end.slot._marks, end.slot._weights, strict=True):
                    marks[0] = marks[1] = version
                    weights[:] = version
            given += 1
            end.progress.value = given
        while end.connection.poll():
            if isinstance(end.connection.recv(), Stop):
                return
        time.sleep(0.005)
