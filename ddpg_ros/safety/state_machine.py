"""The safety state machine: whether the policy may act, and what is sent if it may not.

    DISARMED ──arm──▶ ARMED ──first torque──▶ ACTIVE
        ▲                └──────────┬───────────┘
        └──reset── FAULT, ESTOP ◀───┘   (latched)

A node that is not configured has no `Safety` yet, which its diagnostics call UNCONFIGURED.

The control loop and the watchdog use one object from two threads: the former answers states, the
latter acts if no state arrives. All times are of the monotonic clock [s]. There is no ROS here.
"""

import enum
import threading

import numpy as np

from ddpg_ros.config.sections import SafetySection
from ddpg_ros.errors import RefusedError
from ddpg_ros.safety.arming import (
    require_carried,
    require_commands,
    require_inside,
    require_rest,
    require_states,
)
from ddpg_ros.safety.deadlines import Deadlines
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.lateness import Lateness
from ddpg_ros.types import JointState, Vector

REJECTIONS = 3
"""Number of unusable states in a row that latches a fault."""


class Mode(enum.Enum):
    """The states of the machine, see the module."""

    DISARMED = "disarmed"  # sends zero torque, or what holds the arm
    ARMED = "armed"  # the policy may act but has sent no torque yet
    ACTIVE = "active"  # the policy's torque passes, through the guard
    FAULT = "fault"  # latched by a problem
    ESTOP = "estop"  # latched by an operator


class Safety:
    """The safety state machine around a guard; a torque filter for the control loop."""

    def __init__(
        self,
        guard: Guard,
        settings: SafetySection,
        deadlines: Deadlines,
        watches_commands: bool = False,
    ) -> None:
        """Start disarmed.

        Args:
            guard: filters every torque.
            settings: arming, authority and the fallback.
            deadlines: for joint states and answers.
            watches_commands: whether torques come from another process, whose commands then
                have deadlines too.
        """
        self.guard = guard
        self._settings = settings
        self._deadlines = deadlines
        self._watches_commands = watches_commands
        self._lock = threading.Lock()
        self._mode = Mode.DISARMED
        self._cause = ""
        self._withheld = ""
        self._authority = 0.0
        self._state: JointState | None = None
        self._lateness = Lateness(deadlines.period)
        self._now = -np.inf  # time of the control loop's last state or command
        self._latches_seen = 0  # at the last decision on a torque
        self._sent_at = -np.inf
        self._valid = self._rejected = 0  # states in a row
        self._late = 0.0  # [s] at the last check
        self.warnings = 0
        """Number of states, answers or commands that missed the warn deadline."""
        self.degradations = 0
        """Number of times that the degrade deadline held the policy back."""
        self.latches = 0
        """Number of faults and emergency stops latched."""

    @property
    def mode(self) -> Mode:
        """The present state of the machine."""
        return self._mode

    @property
    def cause(self) -> str:
        """Why FAULT or ESTOP is latched or the policy is held back; empty if neither is so."""
        return self._cause or self._withheld

    @property
    def armed(self) -> bool:
        """Whether the mode is ARMED or ACTIVE, in which the policy chooses torques."""
        return self._mode in (Mode.ARMED, Mode.ACTIVE)

    @property
    def authority(self) -> float:
        """Share of the policy's torque that passes, in [0, 1]."""
        return self._authority if self.armed else 0.0

    @property
    def carried(self) -> Vector:
        """Part of the torque decided last that carries the arm's weight, (n,) [N·m]."""
        return self.guard.carried

    @property
    def suppress_output(self) -> bool:
        """Whether to send nothing.

        The policy may not act and the driver holds the arm; or we carry an arm of which no state
        is known yet, and zero torque, for which a driver opens its brakes, would drop it.
        """
        if self._state is None and self.guard.carrier.carries:
            return True
        held_back = not self.armed or bool(self._withheld)
        return held_back and self._settings.fallback == "hold"

    @property
    def superseded_by_latch(self) -> bool:
        """Whether a latch occurred after the decision on the present torque, before it is sent."""
        return self.latches != self._latches_seen

    def age(self, now: float) -> float:
        """Return the time since the last valid state [s]; infinite if there was none."""
        return self._lateness.state_age(now)

    def state_is_stale(self, now: float) -> bool:
        """Return whether the newest state is too old to act on; then the watchdog sends zero."""
        return self.age(now) > self._deadlines.degrade

    def heard(self, state: JointState, now: float) -> None:
        """Record a valid new state."""
        with self._lock:
            if self.armed:  # the state may be late although the watchdog has not noticed yet
                self._check_deadlines(self.age(now), "joint state")
            self._lateness.record_state(now)
            if self._state is None:
                self.guard.reset()  # nothing was sent: the first torque is what carries the arm
            self._state, self._now = state, now
            self._valid += 1
            self._rejected = 0

    def pass_over(self) -> None:
        """Record that the decimator skipped the newest state.

        If no state follows, the missing answer is not the control loop's fault.
        """
        with self._lock:
            self._lateness.record_skip()

    def rejected(self, reason: str) -> None:
        """Record an unusable state; three in a row latch a fault."""
        with self._lock:
            self._valid = 0
            self._rejected += 1
            if self._rejected >= REJECTIONS:
                self._latch(Mode.FAULT, f"{self._rejected} unusable states in a row: {reason}")

    def withhold(self, reason: str) -> None:
        """Hold the policy back for a reason, until a call with an empty reason."""
        with self._lock:
            if reason:
                self._authority = 0.0
            self._withheld = reason

    def placed(self) -> None:
        """Record that a simulated arm was placed for an episode, in lock-step.

        No torque acts on it then. Without a ramp the policy has its whole authority from the first
        torque on, in the first episode of a process as in every other.
        """
        with self._lock:
            self.guard.reset()
            if not self._settings.ramp_seconds:
                self._authority = 1.0

    def apply(self, torque: Vector, position: Vector, velocity: Vector, dt: float) -> Vector:
        """Return the torque to send: the policy's through the guard, or the fallback.

        Args:
            torque: requested by the policy, (n,) [N·m]; if the guard carries the arm, on top of
                that, unless it comes from another process, whose torques are whole.
            position: (n,) [rad].
            velocity: (n,) [rad/s].
            dt: time since the last call [s].

        Returns:
            (n,) [N·m], remembered as sent.
        """
        with self._lock:
            span = self._begin_answer(dt)
            if not self.armed or self._withheld:
                return self._fallback(position, velocity, span)
            self._mode = Mode.ACTIVE
            sent = self.guard.apply(
                torque, position, velocity, span, self._authority, self._watches_commands
            )
            ramp = self._settings.ramp_seconds
            elapsed = max(0.0, min(2.0 * self._deadlines.period, dt))  # a pause counts briefly
            self._authority = min(1.0, self._authority + elapsed / ramp) if ramp else 1.0
            if self.guard.fault:
                self._latch(Mode.FAULT, self.guard.fault)
                self._latches_seen = self.latches  # the guard has made this torque safe
            return sent

    def _begin_answer(self, dt: float) -> float:
        """Record an answer; returns the time since the last torque [s], also the watchdog's."""
        span = min(dt, max(0.0, self._now - self._sent_at)) if self._deadlines.enabled else dt
        self._sent_at = self._now
        if not self._watches_commands:
            self._lateness.record_answer(self._now)
        self._latches_seen = self.latches
        return span

    def commanded(self, now: float) -> None:
        """Record a command of another process."""
        with self._lock:
            if self.armed:
                self._check_deadlines(self._lateness.answer_overdue(now), "command")
            self._lateness.record_answer(now)
            self._now = now

    def rest(self, state: JointState, dt: float) -> Vector:
        """Return the fallback torque, (n,) [N·m], for a state without the policy's torque."""
        with self._lock:
            return self._fallback(state.position, state.velocity, self._begin_answer(dt))

    def watch(self, now: float) -> Vector | None:
        """Check the deadlines, from the watchdog's thread.

        A late state, command or answer first holds the policy back, then latches a fault.

        Returns:
            The torque to send now, (n,) [N·m], or None if the control loop sends it. It moves to
            zero, or to what held the arm last, if the newest state is stale, because damping
            needs a fresh velocity.
        """
        with self._lock:
            what = "command" if self._watches_commands else "answer of the control loop"
            age, overdue = self.age(now), self._lateness.answer_overdue(now)
            late = max(age, overdue)
            if self.armed:
                self._check_deadlines(late, "joint state" if late == age else what)
            since_sent = now - self._sent_at
            answered = self.armed and late <= self._deadlines.degrade
            if answered or since_sent < self._deadlines.period or self.suppress_output:
                return None
            self._sent_at = now
            if age <= self._deadlines.degrade and self._state is not None:
                return self._fallback(self._state.position, self._state.velocity, since_sent)
            return self.guard.release(since_sent)

    def _check_deadlines(self, late: float, what: str) -> None:
        if late > self._deadlines.latch:
            self._latch(Mode.FAULT, f"no {what} for {1e3 * late:.0f} ms")
        elif late > self._deadlines.degrade:
            self.degradations += self._authority > 0.0
            self._authority = 0.0
        self.warnings += self._late < self._deadlines.warn <= late
        self._late = late

    def estop(self, reason: str = "~/estop was called") -> None:
        """Latch an emergency stop in any mode; a second call changes nothing."""
        with self._lock:
            self._latch(Mode.ESTOP, reason)

    def fault(self, cause: str) -> None:
        """Latch a fault; a fault that is latched already keeps its cause."""
        with self._lock:
            self._latch(Mode.FAULT, cause)

    def reset(self, now: float, anywhere: bool = False) -> None:
        """Go from FAULT or ESTOP to DISARMED; in another mode it changes nothing.

        Args:
            now: the time [s].
            anywhere: accepts any position, for a simulated arm.

        Raises:
            RefusedError: the arm is outside its hard limits, or there is no fresh state or
                command by which to know.
        """
        with self._lock:
            if self._mode not in (Mode.FAULT, Mode.ESTOP):
                return
            state = self._fresh_state(now)
            self._require_commands(now)
            if not anywhere:
                require_inside(state.position, self.guard.limits, soft=False)
            self._mode, self._cause = Mode.DISARMED, ""
            self.guard.clear_fault()

    def arm(self, now: float, obstacle: str = "", anywhere: bool = False) -> None:
        """Allow the policy to act, with an authority that grows from 0.

        Args:
            now: the time [s].
            obstacle: a reason of the caller to refuse; empty if there is none.
            anywhere: accepts any position and velocity, for a simulated arm.

        Raises:
            RefusedError: a latch, the obstacle, a missing state or command, or an arm that is
                outside its soft limits, moves, or is too heavy to be held where it is.
        """
        with self._lock:
            if self.armed:
                return
            if self._mode is not Mode.DISARMED:
                raise RefusedError(
                    f"{self._mode.value} is latched ({self._cause}); reset it first."
                )
            if obstacle:
                raise RefusedError(obstacle)
            state = self._fresh_state(now)
            self._require_commands(now)
            if not anywhere:
                require_inside(state.position, self.guard.limits, soft=True)
                allowed = self._settings.arming_velocity
                require_rest(state.velocity, self.guard.limits, allowed)
                if self.guard.carrier.carries:
                    weight = self.guard.carrier.weight(state.position)
                    require_carried(weight, self.guard.limits)
            self._mode, self._authority = Mode.ARMED, 0.0

    def disarm(self) -> None:
        """Stop the policy from acting; a latch stays."""
        with self._lock:
            if self.armed:
                self._mode = Mode.DISARMED

    def wind_down(self, dt: float) -> Vector:
        """Return the last torque moved toward rest, (n,) [N·m]; see `Guard.release`."""
        with self._lock:
            return self.guard.release(dt)

    def _fresh_state(self, now: float) -> JointState:
        require_states(self.age(now), self._deadlines.degrade, self._valid)
        assert self._state is not None
        return self._state

    def _require_commands(self, now: float) -> None:
        if self._watches_commands:
            require_commands(self._lateness.answer_age(now), self._deadlines.degrade)

    def _fallback(self, position: Vector, velocity: Vector, dt: float) -> Vector:
        """Return the torque that is sent instead of the policy's."""
        let_go = self._mode is Mode.DISARMED and not self.guard.carrier.carries
        if let_go or self._settings.fallback != "damping":
            return self.guard.release(dt, position)
        return self.guard.damp(position, velocity, dt)

    def _latch(self, mode: Mode, cause: str) -> None:
        if self._mode is Mode.ESTOP or (self._mode is Mode.FAULT and mode is Mode.FAULT):
            return
        self._mode, self._cause = mode, cause
        self._valid = 0
        self.latches += 1
        self._authority = 0.0
