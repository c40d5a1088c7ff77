"""The agent with a mistake of ours in it: from the fifth state on its tick raises."""

import sys

from ddpg_ros.experiment import Experiment
from ddpg_ros.nodes import agent_node


class _Faulty(Experiment):
    ticks = 0

    def tick(self, state, dt):
        self.ticks += 1
        if self.ticks > 5:
            raise ZeroDivisionError("a mistake of ours")
        return super().tick(state, dt)


if __name__ == "__main__":
    agent_node.Experiment = _Faulty
    sys.exit(agent_node.main())
