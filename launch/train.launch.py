"""Train: `ros2 launch ddpg_ros train.launch.py`. Arguments: add `--show-args`.

What to start is in `ddpg_ros/cli/plan.py`, which `ddpg-ros train` follows too.
"""

from typing import Any

from ddpg_ros.cli.plan import LAUNCH_ARGUMENTS, TrainingPlan, plan_launch


def generate_launch_description() -> Any:
    """Declare the arguments; the run is prepared when the launch really starts."""
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    from launch import LaunchDescription

    arguments = [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default,
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for argument in LAUNCH_ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_start)])


def _start(context: Any) -> list[Any]:
    given = context.launch_configurations
    return _actions(plan_launch({a.name: given[a.name] for a in LAUNCH_ARGUMENTS}))


def _actions(plan: TrainingPlan) -> list[Any]:
    from launch.actions import EmitEvent, ExecuteProcess, RegisterEventHandler
    from launch.event_handlers import OnProcessExit
    from launch.events import Shutdown
    from launch_ros.actions import Node

    report = ExecuteProcess(cmd=plan.report_command(), output="screen")
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

    def shut_down(reason: str) -> Any:
        return EmitEvent(event=Shutdown(reason=reason))

    def on_end(name: str) -> Any:
        def react(event: Any, _: Any) -> Any:
            well = name == plan.main and event.returncode == 0
            return report if well else shut_down(f"the {name} ended: {event.returncode}")

        return OnProcessExit(target_action=nodes[name], on_exit=react)

    done = OnProcessExit(target_action=report, on_exit=[shut_down("the report is written")])
    essential = [node.name for node in plan.nodes if node.essential]
    handlers = [RegisterEventHandler(handler) for handler in (*map(on_end, essential), done)]
    return [*handlers, *nodes.values()]
