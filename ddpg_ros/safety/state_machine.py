"""Whether the policy may act, and what is sent where it may not. No ROS, no clock of its own.

    DISARMED ──arm──▶ ARMED ──first torque──▶ ACTIVE
        ▲                └──────────┬───────────┘
        └──reset── FAULT, ESTOP ◀───┘   (latched)

Before a node is configured there is no `Safety`: that is UNCONFIGURED.

Two threads use one object: the control loop, which answers states, and the watchdog, which
speaks up where no state comes. All times are those of the monotonic clock [s].
"""

import enum
import threading

import numpy as np

from ddpg_ros.config.settings import SafetySection
from ddpg_ros.errors import RefusedError
from ddpg_ros.safety.arming import (
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
"""Unusable states in a row latch a fault."""


class Mode(enum.Enum):
    """What the policy's torque is worth; see the module."""

    DISARMED = "disarmed"  # zero torque
    ARMED = "armed"  # permission is given; the policy has not spoken yet
    ACTIVE = "active"
    FAULT = "fault"
    ESTOP = "estop"


class Safety:
    """The states around a guard; it filters torque as the guard does."""

    def __init__(
        self,
        guard: Guard,
        settings: SafetySection,
        deadlines: Deadlines,
        watches_commands: bool = False,
    ) -> None:
        """Begin disarmed.

        Args:
            guard: the last word on every torque.
            settings: arming, authority and what stands in for the policy.
            deadlines: when silence becomes a matter of safety.
            watches_commands: torques come from another process, whose silence counts too.
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
        self._now = -np.inf  # as the control loop last said
        self._seen = 0  # latches, when the torque that is about to be sent was decided
        self._sent_at = -np.inf
        self._valid = self._rejected = 0  # states in a row
        self._late = 0.0  # [s] when the watchdog last looked
        self.warnings = 0
        """How often a state or command was late by more than the deadline to warn at."""
        self.degradations = 0
        """How often the policy was held back because of that."""
        self.latches = 0
        """How often a fault or an emergency stop was latched."""

    @property
    def mode(self) -> Mode:
        """The present state."""
        return self._mode

    @property
    def cause(self) -> str:
        """Why it is in FAULT or ESTOP, or why the policy is held back; empty where all is well."""
        return self._cause or self._withheld

    @property
    def armed(self) -> bool:
        """Whether the policy is asked for torques."""
        return self._mode in (Mode.ARMED, Mode.ACTIVE)

    @property
    def authority(self) -> float:
        """Share of the policy's torque that passes, [0, 1]."""
        return self._authority if self.armed else 0.0

    @property
    def suppress_output(self) -> bool:
        """Whether nothing is to be sent: the policy may not act, and the driver holds the arm."""
        held_back = not self.armed or bool(self._withheld)
        return held_back and self._settings.fallback == "hold"

    @property
    def superseded_by_latch(self) -> bool:
        """Whether a latch came between the decision on a torque and its being sent."""
        return self.latches != self._seen

    def age(self, now: float) -> float:
        """Time since the last valid state [s]; infinite where none came."""
        return self._lateness.of_state(now)

    def state_is_stale(self, now: float) -> bool:
        """Whether the newest state is too old to act on; the watchdog sends zero torque then."""
        return self.age(now) > self._deadlines.degrade

    def heard(self, state: JointState, now: float) -> None:
        """Take note of a valid new state."""
        with self._lock:
            if self.armed:  # late is late, whether or not the watchdog was the first to see it
                self._judge(self.age(now), "joint state")
            self._lateness.hear(now)
            self._state, self._now = state, now
            self._valid += 1
            self._rejected = 0

    def pass_over(self) -> None:
        """Take note that the newest state is not due: until the next one no answer is owed."""
        with self._lock:
            self._lateness.pass_over()

    def rejected(self, reason: str) -> None:
        """Take note of an unusable state; three in a row latch a fault."""
        with self._lock:
            self._valid = 0
            self._rejected += 1
            if self._rejected >= REJECTIONS:
                self._latch(Mode.FAULT, f"{self._rejected} unusable states in a row: {reason}")

    def withhold(self, reason: str) -> None:
        """Hold the policy back while there is a reason; an empty one gives it back its say."""
        with self._lock:
            if reason:
                self._authority = 0.0
            self._withheld = reason

    def apply(self, torque: Vector, position: Vector, velocity: Vector, dt: float) -> Vector:
        """Return the torque to send, remembered as sent: the policy's, guarded, or a safe one.

        Args:
            torque: (n,) [N·m], what the policy asks for.
            position: (n,) [rad].
            velocity: (n,) [rad/s].
            dt: time since the torque before [s].
        """
        with self._lock:
            span = self._decide(dt)
            if not self.armed or self._withheld:
                return self._stand_in(position, velocity, span)
            self._mode = Mode.ACTIVE
            asked = torque if self._authority == 1.0 else torque * self._authority
            sent = self.guard.apply(asked, position, velocity, span)
            ramp = self._settings.ramp_seconds
            grown = max(0.0, min(2.0 * self._deadlines.period, dt))  # a pause is no practice
            self._authority = min(1.0, self._authority + grown / ramp) if ramp else 1.0
            if self.guard.fault:
                self._latch(Mode.FAULT, self.guard.fault)
                self._seen = self.latches  # this very torque may go out
            return sent

    def _decide(self, dt: float) -> float:
        """Begin an answer; return the time since any torque went out, the watchdog's included."""
        span = min(dt, max(0.0, self._now - self._sent_at)) if self._deadlines.enabled else dt
        self._sent_at = self._now
        if not self._watches_commands:
            self._lateness.answer(self._now)
        self._seen = self.latches
        return span

    def commanded(self, now: float) -> None:
        """Take note that another process has asked for a torque."""
        with self._lock:
            if self.armed:
                self._judge(self._lateness.of_answer(now), "command")
            self._lateness.answer(now)
            self._now = now

    def rest(self, state: JointState, dt: float) -> Vector:
        """Return the torque for a state that the policy is not asked about."""
        with self._lock:
            return self._stand_in(state.position, state.velocity, self._decide(dt))

    def watch(self, now: float) -> Vector | None:
        """Look at the clock, from the watchdog's thread; return a torque where one is due now.

        A state, command or answer that is late holds the policy back, one that is later latches
        a fault. Where the state is old, damping would be blind: the torque goes to zero.
        """
        with self._lock:
            what = "command" if self._watches_commands else "answer of the control loop"
            age, owed = self.age(now), self._lateness.of_answer(now)
            late = max(age, owed)
            if self.armed:
                self._judge(late, "joint state" if late == age else what)
            quiet = now - self._sent_at
            answered = self.armed and late <= self._deadlines.degrade
            if answered or quiet < self._deadlines.period or self.suppress_output:
                return None
            self._sent_at = now
            if age <= self._deadlines.degrade and self._state is not None:
                return self._stand_in(self._state.position, self._state.velocity, quiet)
            return self.guard.release(quiet)

    def _judge(self, late: float, what: str) -> None:
        if late > self._deadlines.latch:
            self._latch(Mode.FAULT, f"no {what} for {1e3 * late:.0f} ms")
        elif late > self._deadlines.degrade:
            self.degradations += self._authority > 0.0
            self._authority = 0.0
        self.warnings += self._late < self._deadlines.warn <= late
        self._late = late

    def estop(self, reason: str = "~/estop was called") -> None:
        """Stop, from any state; a second call changes nothing."""
        with self._lock:
            self._latch(Mode.ESTOP, reason)

    def fault(self, cause: str) -> None:
        """Latch a fault; the first cause stays."""
        with self._lock:
            self._latch(Mode.FAULT, cause)

    def reset(self, now: float, anywhere: bool = False) -> None:
        """Go from FAULT or ESTOP to DISARMED; elsewhere it changes nothing.

        Args:
            now: the time [s].
            anywhere: do not ask where the arm stands; for a simulated one.

        Raises:
            RefusedError: the cause persists, or it cannot be known that it does not.
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
        """Give the policy its say; with authority that grows from nothing.

        Args:
            now: the time [s].
            obstacle: what the caller knows that stands against it.
            anywhere: do not ask where the arm stands and how it moves; for a simulated one.

        Raises:
            RefusedError: what stands against it.
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
                require_rest(state.velocity, self._settings.arming_velocity)
            self._mode, self._authority = Mode.ARMED, 0.0

    def disarm(self) -> None:
        """Take the policy's say away; a latch stays."""
        with self._lock:
            if self.armed:
                self._mode = Mode.DISARMED

    def wind_down(self, dt: float) -> Vector:
        """Return the next torque on the way to none, (n,) [N·m]; no state is looked at."""
        with self._lock:
            return self.guard.release(dt)

    def _fresh_state(self, now: float) -> JointState:
        require_states(self.age(now), self._deadlines.degrade, self._valid)
        assert self._state is not None
        return self._state

    def _require_commands(self, now: float) -> None:
        if self._watches_commands:
            require_commands(self._lateness.of_any_answer(now), self._deadlines.degrade)

    def _stand_in(self, position: Vector, velocity: Vector, dt: float) -> Vector:
        """Return what is sent instead of the policy's torque."""
        disarmed = self._mode is Mode.DISARMED
        if disarmed or self._settings.fallback != "damping":
            return self.guard.release(dt)
        return self.guard.damp(position, velocity, dt)

    def _latch(self, mode: Mode, cause: str) -> None:
        if self._mode is Mode.ESTOP or (self._mode is Mode.FAULT and mode is Mode.FAULT):
            return
        self._mode, self._cause = mode, cause
        self._valid = 0
        self.latches += 1
        self._authority = 0.0
