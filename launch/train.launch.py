"""Train: `ros2 launch ddpg_ros train.launch.py`. Arguments: add `--show-args`.

What to start is in `ddpg_ros/cli/plan.py`, which `ddpg-ros train` follows too.
"""

from typing import Any

from launch.actions import ExecuteProcess, LogInfo, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit

from ddpg_ros.cli.launching import TRAIN, declare, fail, make_plan, nodes, prefix, stop, viewers
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; the run is prepared when the launch really starts."""
    return LaunchDescription([*declare(TRAIN), OpaqueFunction(function=_start)])


def _start(context: Any) -> list[Any]:
    plan = make_plan("train", context, TRAIN)
    training, shown = nodes(plan), viewers(plan, context)
    agent, simulator = training["agent"], training["simulator"]
    others = [*(node for name, node in training.items() if name != "agent"), *shown]
    report = ExecuteProcess(cmd=plan["report"], name="report", prefix=prefix(), output="screen")

    def on_agent(event: Any, _: Any) -> list[Any]:
        if event.returncode == 0:
            return [*stop(*others), report]
        fail(context, f"the training failed: the agent ended with {event.returncode}.")
        return stop(*others)

    def on_simulator(event: Any, _: Any) -> list[Any]:
        if agent.return_code is None:
            fail(context, f"the training failed: the simulator ended with {event.returncode}.")
        return stop(agent, *others)

    def on_report(event: Any, _: Any) -> None:
        if event.returncode:
            fail(context, f"the report failed: it ended with {event.returncode}.")

    handlers = [
        OnProcessExit(target_action=agent, on_exit=on_agent),
        OnProcessExit(target_action=simulator, on_exit=on_simulator),
        OnProcessExit(target_action=report, on_exit=on_report),
    ]
    notes = [LogInfo(msg=note) for note in plan["notes"]]
    return [*notes, *map(RegisterEventHandler, handlers), *training.values(), *shown]
