"""The executables of the nodes, for `ros2 run ddpg_ros NAME` and the same names from pip.

`python -m ddpg_ros.executables NAME` runs one in the interpreter that is called.

Each begins with the standard library alone. It goes on in the Python that was set up for this
package, and what is missing there is a sentence and exit code 2.
"""

import sys
from importlib import import_module

from ddpg_ros.errors import EXIT_CODE, MachineError
from ddpg_ros.interpreter import begin

_MODULES = {
    "agent": "ddpg_ros.ros.nodes.agent",
    "policy": "ddpg_ros.ros.nodes.policy",
    "guard": "ddpg_ros.ros.nodes.guard",
    "recorder": "ddpg_ros.ros.nodes.recorder",
    "simulator": "sim.simulator_node",
    "operator": "ddpg_ros.ros.nodes.operator",
}


def agent() -> int:
    """Run the agent; return the exit code."""
    return _run("agent")


def policy() -> int:
    """Run the policy node; return the exit code."""
    return _run("policy")


def guard() -> int:
    """Run the guard node; return the exit code."""
    return _run("guard")


def recorder() -> int:
    """Run the recorder; return the exit code."""
    return _run("recorder")


def simulator() -> int:
    """Run the simulator; return the exit code."""
    return _run("simulator")


def _run(name: str) -> int:
    begin()
    from ddpg_ros.extras import naming_extras

    try:
        with naming_extras():
            main = import_module(_MODULES[name]).main
    except MachineError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_CODE
    code: int = main()
    return code


def main() -> int:
    """Run the executable that the first word names; return the exit code."""
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name in _MODULES:
        return _run(name)
    print(f"'{name}' is no executable; expected {', '.join(_MODULES)}.", file=sys.stderr)
    return EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
