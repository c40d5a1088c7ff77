"""Deploy: `ros2 launch ddpg_ros deploy.launch.py policy:=FILE`; `--show-args` lists arguments.

Policy and guard, and with `simulate:=true` the simulator in the robot's place. `ddpg-ros deploy`
starts the same.
"""

from typing import Any

from launch.actions import LogInfo, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit

from ddpg_ros.cli.launching import DEPLOY, declare, fail, make_plan, nodes, stop, viewers
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; the policy is checked when the launch really starts."""
    return LaunchDescription([*declare(DEPLOY), OpaqueFunction(function=_start)])


def _start(context: Any) -> list[Any]:
    plan = make_plan("deploy", context, DEPLOY)
    started, shown = nodes(plan), viewers(plan, context)

    def on_end(name: str) -> Any:
        def react(event: Any, _: Any) -> list[Any]:
            if event.returncode:
                fail(context, f"the {name} ended with {event.returncode}.")
            return stop(*(node for other, node in started.items() if other != name), *shown)

        return OnProcessExit(target_action=started[name], on_exit=react)

    notes = [LogInfo(msg=note) for note in plan["notes"]]
    handlers = [RegisterEventHandler(on_end(name)) for name in started]
    return [*notes, *handlers, *started.values(), *shown]
