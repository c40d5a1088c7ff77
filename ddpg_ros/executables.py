"""The executables of the nodes, for `ros2 run ddpg_ros NAME` and the same names from pip.

Each begins with the standard library alone. It goes on in the Python that was set up for this
package, and what is missing there is a sentence and exit code 2.
"""

import sys
from importlib import import_module

from ddpg_ros.errors import EXIT_CODE, MachineError
from ddpg_ros.interpreter import begin


def agent() -> int:
    """Run the agent; return the exit code."""
    return _run("agent", "ddpg_ros.ros.nodes.agent")


def policy() -> int:
    """Run the policy node; return the exit code."""
    return _run("policy", "ddpg_ros.ros.nodes.policy")


def guard() -> int:
    """Run the guard node; return the exit code."""
    return _run("guard", "ddpg_ros.ros.nodes.guard")


def recorder() -> int:
    """Run the recorder; return the exit code."""
    return _run("recorder", "ddpg_ros.ros.nodes.recorder")


def simulator() -> int:
    """Run the simulator; return the exit code."""
    return _run("simulator", "sim.simulator_node")


def _run(name: str, module: str) -> int:
    begin()
    from ddpg_ros.extras import naming_extras

    try:
        with naming_extras():
            main = import_module(module).main
    except MachineError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_CODE
    code: int = main()
    return code
