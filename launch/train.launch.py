"""Train: `ros2 launch ddpg_ros train.launch.py`. Arguments: add `--show-args`.

What to start is in `ddpg_ros/cli/plan.py`, which `ddpg-ros train` follows too.
"""

from typing import Any

from ddpg_ros.cli.plan import LAUNCH_ARGUMENTS, LaunchArgument, TrainingPlan, plan_launch
from ddpg_ros.errors import DdpgRosError


def generate_launch_description() -> Any:
    """Declare the arguments; the run is prepared when the launch really starts."""
    from launch import LaunchDescription
    from launch.actions import OpaqueFunction

    arguments = [_declare(argument) for argument in LAUNCH_ARGUMENTS]
    return LaunchDescription([*arguments, OpaqueFunction(function=_start)])


def _declare(argument: LaunchArgument) -> Any:
    from launch.actions import DeclareLaunchArgument

    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def _start(context: Any) -> list[Any]:
    try:
        return _actions(plan_launch({a.name: _value(context, a.name) for a in LAUNCH_ARGUMENTS}))
    except DdpgRosError as error:
        raise RuntimeError(str(error)) from None


def _value(context: Any, name: str) -> str:
    return str(context.launch_configurations[name])


def _actions(plan: TrainingPlan) -> list[Any]:
    from launch.actions import EmitEvent, ExecuteProcess, RegisterEventHandler
    from launch.actions import SetEnvironmentVariable as Set
    from launch.event_handlers import OnProcessExit
    from launch.events import Shutdown
    from launch_ros.actions import Node

    nodes = {
        node.name: Node(
            package="ddpg_ros",
            executable=node.executable,
            namespace=node.namespace,
            parameters=[str(node.params_file), *([dict(node.parameters)] * bool(node.parameters))],
            ros_arguments=["--log-level", node.log_level],
            output="screen",
        )
        for node in plan.nodes
    }
    report = ExecuteProcess(cmd=plan.report_command(), output="screen")

    def shut_down(reason: str) -> Any:
        return EmitEvent(event=Shutdown(reason=reason))

    def ended(name: str, code: int) -> list[Any]:
        if name == plan.main and code == 0:
            return [report]
        return [shut_down(f"the {name} ended with exit code {code}")]

    def on_end(name: str) -> Any:
        return OnProcessExit(
            target_action=nodes[name], on_exit=lambda event, _: ended(name, event.returncode)
        )

    handlers = [RegisterEventHandler(on_end(name)) for name in nodes]
    done = OnProcessExit(target_action=report, on_exit=[shut_down("the report is written")])
    environment = [Set(name, value) for name, value in plan.environment().items()]
    return [*environment, *handlers, RegisterEventHandler(done), *nodes.values()]
