"""The node that commands an arm: joint states in, torques out, safety around them.

The node owns topics, services, lifecycle and watchdog. Its role makes it the agent, the policy or
the guard; the role builds the controller, which decides what is sent.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle.node import LifecycleNodeMixin

from ddpg_ros.config.settings import Config
from ddpg_ros.control.controller import Command, Controller
from ddpg_ros.control.episodes import EpisodeState
from ddpg_ros.errors import ConfigError, RefusedError
from ddpg_ros.ros.interface.commands import CommandPublisher, command_topic, wind_down
from ddpg_ros.ros.interface.conflicts import Conflicts
from ddpg_ros.ros.interface.diagnostics import Diagnostics
from ddpg_ros.ros.interface.in_force import LimitsInForce
from ddpg_ros.ros.interface.joint_states import TOPIC, JointStateInput
from ddpg_ros.ros.interface.parameters import (
    Extra,
    read_config,
    refuse_unknown_types,
    show_adapted,
)
from ddpg_ros.ros.interface.services import OperatorServices
from ddpg_ros.ros.interface.topic_monitor import TopicMonitor
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.lifecycle import Lifecycle, refuse_wrong_transitions
from ddpg_ros.ros.runtime.node import MainNode
from ddpg_ros.ros.runtime.realtime import apply_realtime
from ddpg_ros.ros.runtime.watchdog import Watchdog
from ddpg_ros.safety.admission import Arrival
from ddpg_ros.safety.state_machine import Mode
from ddpg_ros.types import JointState, Vector

_AUTOSTART = {
    "autostart": Extra(True, "Configure and activate without waiting for a lifecycle manager")
}
_HOUSEKEEPING = 0.1  # [s]; also how soon a signal is noticed if no state comes


class Role(Protocol):
    """What makes an `ArmNode` the agent, the policy or the guard."""

    name: str
    """Of the node, without a remapping."""
    output: str
    """Topic of its torques."""
    input: str
    """Topic of the torques that it passes on; empty if it makes them itself."""
    knows_task: bool
    """Whether it has to do with the task; if not, the task's package need not be installed."""

    def adapt(self, config: Config) -> Config:
        """Return the configuration as this role needs it."""

    def open(self, node: "ArmNode", stack: ExitStack) -> Controller:
        """Build the controller and open the role's own topics; `stack` takes what undoes it."""

    def on_timer(self) -> None:
        """Look after the role's own topics, ten times a second."""

    def interrupt(self) -> None:
        """React to a signal, inside its handler: must not block."""


class ArmNode(LifecycleNodeMixin, MainNode):
    """Commands one arm."""

    def __init__(self, role: Role, arguments: Arguments) -> None:
        """Read the parameters.

        Args:
            role: what the node is for.
            arguments: its command line.

        Raises:
            ConfigError: a parameter that cannot be used.
        """
        MainNode.__init__(self, role.name, arguments)
        self.lifecycle = Lifecycle(self)
        vars(self).update(self.lifecycle.callbacks())  # before the mixin, which registers them
        LifecycleNodeMixin.__init__(self)
        refuse_wrong_transitions(self)
        refuse_unknown_types(self)
        self.role = role
        given = read_config(self, _AUTOSTART, with_task=role.knows_task)
        self.config = role.adapt(given)
        show_adapted(self, given, self.config)
        self.realtime = self.config.run.clock == "realtime"
        self._in_force = LimitsInForce(self)
        self._watchdog: Watchdog | None = None
        self._latched: tuple[Mode, str] | None = None  # before a cleanup
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # simulated time stands until we answer
        self.urgent.add(self.create_timer(_HOUSEKEEPING, self._on_timer, clock=steady))

    @property
    def active(self) -> bool:
        """Whether the node commands the arm."""
        return self.lifecycle.active

    def start(self) -> None:
        """Configure and activate if `autostart` is set; raises what that raises."""
        if bool(self.get_parameter("autostart").value):
            self.lifecycle.start(self)

    def configure(self) -> None:
        """Build what is behind the topics, and open them; nothing is sent yet."""
        if self.config.safety.fallback == "hold" and not self.realtime:
            raise ConfigError(
                "safety.fallback is hold while run.clock is lockstep, in which time stands still "
                "without commands; expected damping or zero, or run.clock: realtime."
            )
        with ExitStack() as stack:
            self._open(stack)
            self._opened = stack.pop_all()
        if self._latched is not None:  # cleaning up does not undo a latch
            latch, cause = self._latched
            (self.safety.estop if latch is Mode.ESTOP else self.safety.fault)(cause)

    def _open(self, stack: ExitStack) -> None:
        control = self.config.control
        output = command_topic(control, self.role.output)
        self._conflicts = Conflicts(self, TOPIC, output, self.role.input)
        self._conflicts.require_apart()
        stack.enter_context(self._conflicts.take_host_lock())
        self.topics = TopicMonitor(self, TOPIC, control.state_timeout, self.realtime)
        self.controller = self.role.open(self, stack)
        robot, self.safety = self.controller.robot, self.controller.safety
        self.get_logger().info(robot.describe())
        self.commands = CommandPublisher(self, robot.joints, control, output)
        stack.callback(self.commands.close)
        auto_arm = self.config.safety.auto_arm
        self.diagnostics = Diagnostics(self, self.safety, auto_arm, self._values)
        stack.callback(self.diagnostics.close)
        operator = OperatorServices(self, self.safety, self._obstacle)
        stack.callback(operator.close)
        self._in_force.begin(self.safety.guard, self.config)
        stack.callback(self._in_force.end)
        self.states = JointStateInput(
            self,
            robot,
            self.safety,
            self.topics,
            self._conflicts,
            self.realtime,
            use=self._on_state,
        )
        stack.callback(self.states.close)
        self.hurry(stack, [self.states.subscription, *operator.services])

    def hurry(self, stack: ExitStack, entities: Sequence[object]) -> None:
        """Have entities looked at in every turn, until `stack` is closed."""
        self.urgent.update(entities)
        stack.callback(self.urgent.difference_update, entities)

    def activate(self) -> None:
        """Begin to command, disarmed, and to watch the clock."""
        if self.realtime:
            self._watchdog = Watchdog(self.safety, self.config.control.period, self.send_aside)
        apply_realtime(self.config.control, self.get_logger())  # the watchdog's thread, too

    def deactivate(self) -> None:
        """Disarm, bring the torque to rest, repeat that for 60 ms, and leave what runs."""
        self.safety.disarm()
        if self._watchdog is not None:
            self._watchdog.stop()
        wind_down(self.safety, self.commands)
        self.controller.leave()

    def last_resort(self) -> None:
        """Send zeros that were ready before anything could fail; nothing if the driver holds.

        If this node carries the arm, send what held it last.
        """
        if self.config.safety.fallback != "hold":
            guard = self.safety.guard
            self.commands.last_resort((lambda: guard.carried) if guard.carrier.carries else None)

    def cleanup(self) -> None:
        """Close the topics and what is behind them; a latch is remembered."""
        latched = self.safety.mode in (Mode.FAULT, Mode.ESTOP)
        self._latched = (self.safety.mode, self.safety.cause) if latched else None
        self._opened.close()

    def _on_state(self, state: JointState, arrival: Arrival, now: float) -> None:
        if arrival is Arrival.REPEATED:
            self.topics.record_repeated(now)
            self._on_repeated_state(state, now)
            return
        self.topics.record_state(now)
        self.safety.heard(state, now)
        if arrival is Arrival.CLOCK_JUMPED:
            self.get_logger().warning(f"the clock jumped; {self.controller.leave()}")
        if self.active:
            self.answer(self.controller.on_state(state, now))

    def _on_repeated_state(self, state: JointState, now: float) -> None:
        """In lock-step a state comes again if its answer is missing, or was lost."""
        if self.realtime or not self.active:
            return
        if state.stamp == self.commands.answered and self.safety.armed:
            self.commands.send_again()
        else:
            self.answer(self.controller.on_repeated_state(state, now))

    def answer(self, command: Command | None) -> None:
        """Send a command of the controller, and let it do what could wait for that."""
        if command is not None:
            self.send(command)
        state = self.controller.after_answer()
        if state is EpisodeState.RESETTING:
            self.states.expect_jump()  # the arm may be placed before the service answers
        elif state is EpisodeState.DONE:
            self.finished = True

    def send(self, command: Command) -> None:
        """Publish a command.

        Nothing is published while the driver holds the arm, and if a latch has overtaken the
        torque: the watchdog sends another.
        """
        if not (self.safety.suppress_output or self.safety.superseded_by_latch):
            self.commands.send(command.torque.tolist(), command.stamp)

    def send_aside(self, torque: Vector) -> None:
        """Publish a torque, (n,) [N·m], from the watchdog's thread."""
        self.commands.send_aside(torque.tolist())

    def try_to_arm(self) -> None:
        """Arm without an operator, if `safety.auto_arm` allows it and no fault persists."""
        if self.config.safety.auto_arm and self.safety.mode is not Mode.ESTOP:
            now, placed = time.monotonic(), bool(self.config.control.reset_service)
            try:
                self.safety.reset(now, anywhere=placed)  # without a reset it has to be inside
                self.safety.arm(now, self._obstacle(), anywhere=True)
            except RefusedError:
                return  # until the next state

    def _obstacle(self) -> str:
        """Return what stands against arming, as a sentence; or nothing."""
        if not self.active:
            name = self.get_fully_qualified_name()
            return f"the node is not active; first: ros2 lifecycle set {name} activate."
        return self._conflicts.find() or self.controller.ready_to_arm() or self.commands.unheard

    def _on_timer(self) -> None:
        self.lifecycle.keep_order(self)
        if not self.lifecycle.configured:
            return
        self._conflicts.check()
        self.topics.check()
        if self.safety.armed and self._conflicts.suspected:
            conflict = self._conflicts.find()  # the look may be from before the arming
            if conflict:
                self.safety.fault(conflict)
        self.controller.on_timer(time.monotonic())
        self.role.on_timer()
        if self._watchdog is not None and self._watchdog.problem is not None:
            raise self._watchdog.problem
        self.diagnostics.update(self.active)

    def _values(self) -> dict[str, object]:
        values: dict[str, object] = {"joint_states.out_of_time": self.states.out_of_time}
        values |= self.topics.values() | self._conflicts.values() | self._in_force.values()
        return values | self.controller.values()

    def interrupt(self) -> None:
        """End every wait of the role."""
        self.role.interrupt()

    def failed(self, error: BaseException) -> None:
        """Latch a fault, and publish it."""
        if self.lifecycle.configured:
            self.safety.fault(f"{type(error).__name__}: {error}")
            self.diagnostics.report(self.active)

    def rest(self) -> None:
        """Bring the arm to rest; see `Lifecycle.rest`."""
        self.lifecycle.rest()

    def end(self) -> None:
        """Bring the arm to rest and close everything; see `Lifecycle.end`."""
        self.lifecycle.end()

    def destroy_node(self) -> None:
        """End, and leave the graph; raises what a transition has raised."""
        try:
            super().destroy_node()
        finally:
            self._state_machine.destroy_when_not_in_use()  # rclpy forgets it; it keeps the node
        self.lifecycle.raise_problem()
