"""A learner that gives new weights, and then some of an older version."""

import os
import time

import numpy as np

from ddpg_ros.worker.messages import Stop

VERSIONS = (1, 5, 3)


def goes_back(endpoint):
    """Publish a version, and the next with each transition; the number is the weights, too."""
    given, wanted = 0, 1
    while os.getppid() == endpoint.parent_pid:
        endpoint.heartbeat.beat(1.0)
        wanted += len(endpoint.ring.pop_all())
        if given < min(wanted, len(VERSIONS)):
            version = VERSIONS[given]
            try:
                endpoint.mailbox.publish(
                    np.full(endpoint.mailbox.size, version, dtype=np.float32), version
                )
            except ValueError:  # as it should be; one that is out of its mind writes it anyway
                for marks, weights in zip(
                    endpoint.mailbox._marks, endpoint.mailbox._weights, strict=True
                ):
                    marks[0] = marks[1] = version
                    weights[:] = version
            given += 1
            endpoint.progress.value = given
        while endpoint.connection.poll():
            if isinstance(endpoint.connection.recv(), Stop):
                return
        time.sleep(0.005)
