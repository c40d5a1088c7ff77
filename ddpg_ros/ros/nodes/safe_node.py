"""What every node that commands torque has: states in, safety around torques, torques out.

The control nodes and the guard node fill in what happens in between.
"""

import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState as JointStateMessage

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import (
    ConfigError,
    DisplacedError,
    ForeignJointsError,
    JointStateError,
    RefusedError,
)
from ddpg_ros.robot.arm import Robot
from ddpg_ros.ros.interface.commands import CommandPublisher, command_topic, wind_down
from ddpg_ros.ros.interface.diagnostics import Diagnostics, level_of, safety_values
from ddpg_ros.ros.interface.in_force import LimitsInForce
from ddpg_ros.ros.interface.messages import JointMap
from ddpg_ros.ros.interface.parameters import read_config, refuse_unknown_types
from ddpg_ros.ros.interface.qos import log_incompatible_qos
from ddpg_ros.ros.interface.services import OperatorServices
from ddpg_ros.ros.interface.topic_monitor import TopicMonitor
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.executor import take_rest
from ddpg_ros.ros.runtime.lifecycle import AUTOSTART, ManagedNode
from ddpg_ros.ros.runtime.realtime import apply_realtime
from ddpg_ros.ros.runtime.watchdog import Watchdog
from ddpg_ros.safety.admission import Admission, Arrival
from ddpg_ros.safety.state_machine import Mode, Safety
from ddpg_ros.types import JointState, Vector

_HOUSEKEEPING = 0.1  # [s]; also how soon a signal is noticed where no state comes
_SHARED = 16  # states that wait: other devices' on the same topic push none of the arm's out
_STATES_RELIABLE = QoSProfile(depth=_SHARED)
_STATES = QoSProfile(depth=_SHARED, reliability=ReliabilityPolicy.BEST_EFFORT)
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class SafeNode(ManagedNode, ABC):
    """A managed node that commands one arm."""

    def __init__(
        self,
        name: str,
        arguments: Arguments,
        commands: str,
        realtime: bool | None = None,
        wanted: str = "",
    ) -> None:
        """Read the parameters.

        Args:
            name: of the node.
            arguments: its command line.
            commands: topic of its torques.
            realtime: whether the wall clock counts; None: what `run.clock` says.
            wanted: topic of the torques that it passes on; empty where it makes them itself.
        """
        super().__init__(name, arguments)
        refuse_unknown_types(self)
        self.config: Config = read_config(self, AUTOSTART)
        self.realtime = self.config.run.clock == "realtime" if realtime is None else realtime
        self._in_force = LimitsInForce(self)
        self._output, self._input = commands, wanted
        self._watchdog: Watchdog | None = None
        self._latched: tuple[Mode, str] | None = None  # before a cleanup
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # simulated time stands until we answer
        self.urgent.add(self.create_timer(_HOUSEKEEPING, self._on_timer, clock=steady))

    @abstractmethod
    def build(self, stack: ExitStack) -> tuple[Robot, Safety]:
        """Build what is behind the topics; `stack` takes what is to be undone."""

    def connect(self, stack: ExitStack) -> None:
        """Open further topics; `stack` takes what is to be undone."""

    @abstractmethod
    def on_state(self, state: JointState, clock_jumped: bool) -> None:
        """Take a believable new state."""

    def on_repeated_state(self, state: JointState) -> None:
        """Take a state that has come before."""

    def obstacle(self) -> str:
        """Say what stands against arming, or nothing."""
        return ""

    def on_timer(self) -> None:
        """Look, ten times a second, at what no state brings about."""

    def values(self) -> dict[str, object]:
        """Return what else there is to say on `/diagnostics`."""
        return {}

    def configure(self) -> None:
        """Build what is behind the topics, and open them; nothing is sent yet."""
        if self.config.safety.fallback == "hold" and not self.realtime:
            raise ConfigError(
                "safety.fallback is hold while run.clock is lockstep, in which time stands still "
                "without commands; expected damping or zero, or run.clock: realtime."
            )
        with ExitStack() as stack:
            output = command_topic(self.config.control, self._output)
            timeout = self.config.control.state_timeout
            self.topics = TopicMonitor(
                self, "joint_states", output, timeout, self.realtime, self._input
            )
            self.topics.require_apart()
            stack.enter_context(self.topics.take_host_lock())
            robot, self.safety = self.build(stack)
            self.get_logger().info(robot.describe())
            self._noted: object = None
            self.answered = 0  # stamp of the state answered last [ns]
            self._joints = JointMap(robot.joints)
            self.admission = Admission(
                robot.joints, robot.velocity_limit, robot.lower, self.realtime
            )
            self.commands = CommandPublisher(self, robot.joints, self.config.control, output)
            stack.callback(self.commands.close)
            self._diagnostics = Diagnostics(self)
            stack.callback(self._diagnostics.close)
            self._operator = OperatorServices(self, self.safety, self._obstacle)
            stack.callback(self._operator.close)
            self._in_force.begin(self.safety.guard)
            stack.callback(self._in_force.end)
            self._states = self.create_subscription(
                JointStateMessage,
                "joint_states",
                self._on_state,
                _STATES if self.realtime else _STATES_RELIABLE,
                raw=True,
                event_callbacks=log_incompatible_qos(self),
            )
            stack.callback(self.destroy_subscription, self._states)
            self.hurry(stack, self._states, *self._operator.services)
            self.connect(stack)
            self._open = stack.pop_all()
        if self._latched is not None:  # cleaning up does not undo a latch
            latch, cause = self._latched
            (self.safety.estop if latch is Mode.ESTOP else self.safety.fault)(cause)

    def hurry(self, stack: ExitStack, *entities: object) -> None:
        """Have entities looked at in every turn, until `stack` is closed."""
        self.urgent.update(entities)
        stack.callback(self.urgent.difference_update, entities)

    def activate(self) -> None:
        """Begin to command, disarmed, and to watch the clock."""
        if self.realtime:
            self._watchdog = Watchdog(self.safety, self.config.control.period, self._send_aside)
        apply_realtime(self.config.control, self.get_logger())  # the watchdog's thread, too

    def deactivate(self) -> None:
        """Disarm, bring the torque to zero and say so for 60 ms."""
        self.safety.disarm()
        if self._watchdog is not None:
            self._watchdog.stop()
        wind_down(self.safety, self.commands, self.answered)

    def last_resort(self) -> None:
        """Send zeros that were ready before anything could fail; nothing if the driver holds."""
        if self.config.safety.fallback != "hold":
            self.commands.last_resort()

    def cleanup(self) -> None:
        """Close the topics and what is behind them; a latch is remembered."""
        latched = self.safety.mode in (Mode.FAULT, Mode.ESTOP)
        self._latched = (self.safety.mode, self.safety.cause) if latched else None
        self._open.close()

    def _on_state(self, message: bytes, info: dict[str, Any]) -> None:
        now = time.monotonic()
        try:
            state, info = self._newest(message, info)
            self.topics.hear(info["publication_sequence_number"])
            arrival = self.admission.look(state, now)
        except ForeignJointsError as error:
            self.topics.pass_by(error)
            return
        except JointStateError as error:
            self.topics.reject(error)
            if isinstance(error, DisplacedError):
                self.safety.fault(str(error))
            self.safety.rejected(str(error))
            if not self.realtime and self.safety.mode in (Mode.FAULT, Mode.ESTOP):
                self.admission.forget()  # time stands: it never becomes possible by itself
            return
        if arrival is Arrival.REPEATED:
            self.topics.believe()
            self.on_repeated_state(state)
        elif arrival is not Arrival.OUT_OF_TIME:
            self.topics.accept(state)
            self.safety.heard(state, now)
            self.on_state(state, arrival is Arrival.CLOCK_JUMPED)

    def _newest(self, message: bytes, info: dict[str, Any]) -> tuple[JointState, dict[str, Any]]:
        """Return the newest state of our joints, and its info, of all that have come.

        The message given is the oldest of them.
        """
        for later, about in reversed(take_rest(self._states)):
            with suppress(ForeignJointsError):
                return self._joints.state(later), about
        return self._joints.state(message), info

    def send(self, torque: Vector, stamp: int) -> None:
        """Publish a torque as the answer to a stamp [ns].

        Nothing, where the driver holds, and where a latch has overtaken the torque: the watchdog
        sends another.
        """
        if not (self.safety.suppress_output or self.safety.superseded_by_latch):
            self.answered = stamp
            self.commands.send(torque.tolist(), stamp)

    def _send_aside(self, torque: Vector) -> None:
        self.commands.send_aside(torque.tolist(), self.answered)

    def arm_by_itself(self) -> None:
        """Arm where that needs nobody, and the cause of a fault has passed."""
        if self.config.safety.auto_arm and self.safety.mode is not Mode.ESTOP:
            now, placed = time.monotonic(), bool(self.config.control.reset_service)
            try:
                self.safety.reset(now, anywhere=placed)  # else nobody brings it back inside
                self.safety.arm(now, self._obstacle(), anywhere=True)
            except RefusedError:
                return  # until the next state

    def _obstacle(self) -> str:
        if not self.active:
            return "the node is not active; activate it first."
        return self.topics.crowd or self.obstacle() or self._deafness()

    def _deafness(self) -> str:
        if self.commands.listeners:
            return ""
        return (
            f"nobody hears the torques on {self.commands.topic}; start what moves the arm (the "
            "robot's driver, the guard or the simulator) there, or remap the topic to where it "
            "listens."
        )

    def _on_timer(self) -> None:
        self.keep_order()
        if not self.configured:
            return
        self.topics.check()
        if self.safety.armed and self.topics.suspicious:
            crowd = self.topics.crowd  # the look may be from before the arming
            if crowd:
                self.safety.fault(crowd)
        self.on_timer()
        if self._watchdog is not None and self._watchdog.problem is not None:
            raise self._watchdog.problem
        state = (self.active, self.safety.mode, self.safety.latches)
        if state != self._noted:
            self._noted = state
            self._log_state()
        if self._diagnostics.due((*state, self.safety.cause)):
            self._say_state()

    def _log_state(self) -> None:
        safety, log = self.safety, self.get_logger()
        if safety.mode in (Mode.FAULT, Mode.ESTOP):
            log.error(f"{safety.mode.value}: {safety.cause}; ~/reset and ~/arm bring it back")
        elif safety.mode is Mode.DISARMED and self.active and not self.config.safety.auto_arm:
            log.info("disarmed, sending zero torque: call ~/arm when the arm may move")
        elif safety.armed and safety.latches:
            log.info(f"{safety.mode.value} again, after {safety.latches} latched fault(s)")
        elif safety.mode is Mode.ACTIVE and not self.config.safety.auto_arm:
            log.info("active: the arm may move")

    def _say_state(self) -> None:
        values = safety_values(self.safety, time.monotonic())
        values |= {"joint_states.out_of_time": self.admission.out_of_time}
        values |= self.topics.values() | self.values()
        sentence = self.safety.cause or self.safety.mode.value if self.active else "inactive"
        self._diagnostics.publish(level_of(self.safety), sentence, values)

    def failed(self, error: BaseException) -> None:
        """Latch a fault and say so when something has failed."""
        if self.configured:
            self.safety.fault(f"{type(error).__name__}: {error}")
            self._say_state()
