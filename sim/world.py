"""One arm in PyBullet: torques in, joint states out, without ROS and torch.

`sim/description.py` and `sim/loader.py` give the arm the masses and joints of its URDF. This
module makes up for three properties of PyBullet:

* PyBullet applies a torque for one step only: this module sets it before every step;
* torque control has no effort limit: this module clips torques to the URDF's;
* there is one velocity limit for the whole arm: this module clamps each joint to its own limit,
  which is not a force;
* it has no Coulomb friction of joints: a motor that holds zero velocity, with the URDF's friction
  as its largest torque, takes its place.

Position limits are PyBullet's own constraints. They give way by up to the motion of one step.
"""

import math
import os
import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.config.sections import SimSection
from ddpg_ros.errors import ConfigError, MachineError, RobotError, few_of
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import read_damping, read_friction
from ddpg_ros.robot.payload import NO_PAYLOAD, Payload
from ddpg_ros.robot.start import start_interval
from ddpg_ros.tasks.goals import GoalKind
from ddpg_ros.types import JointState, Vector
from sim.bullet import pybullet, quiet
from sim.camera import Camera
from sim.collisions import SelfCollision
from sim.description import Description, describe
from sim.dynamics import EXPLICIT_LIMIT, Dynamics, ImplicitDamping
from sim.goal_marks import GoalMarks
from sim.loader import load
from sim.payload import with_payload
from sim.push import Push

_CREEP = 1e-6  # [rad/s], [m/s] at which damping alone must not take all the effort
_BRAKES = 3.0  # torque of a brake over the joint's effort limit

_TRIES = 100  # start positions, before an arm that touches itself is refused


class World:
    """The arm on its fixed base, in its own PyBullet client; a context manager.

    The same seed and the same torques give bit-identical states.
    """

    def __init__(
        self,
        robot: Robot,
        settings: SimSection,
        *,
        gui: bool = False,
        payload: Payload = NO_PAYLOAD,
        driver_carries: bool = False,
    ) -> None:
        """Load the arm, at rest in the middle of its start positions.

        Args:
            robot: the arm; every (n,) array here follows its joint order.
            settings: gravity, physics time step, start states and pushes.
            gui: opens PyBullet's window.
            payload: what the arm carries at its tip.
            driver_carries: adds g(q) to every torque in every physics step, as a driver does that
                compensates gravity.

        Raises:
            ConfigError: start positions or pushes that do not fit the arm.
            RobotError: a URDF that PyBullet cannot load, or a joint that moves no mass.
            MachineError: `gui` without a display.
        """
        self.robot = robot
        self._low, self._high = start_interval(robot, settings)
        self._velocity_spread = settings.start_velocity_spread
        self._effort = robot.effort_limit
        self._most: list[float] = robot.effort_limit.tolist()
        self._friction = _friction(robot).tolist()
        self._push, self._steps = Push(robot, settings), 0  # physics steps since the reset
        self._client = _connect(gui)
        self._own: dict[str, Any] = {"physicsClientId": self._client}
        self._opened = ExitStack()
        self._opened.callback(pybullet.disconnect, self._client)
        try:
            description = describe(robot, settings.self_collision)
            description = with_payload(description, robot, payload)
            self._body, self._joints = load(self._client, robot, description)
            self.notes: tuple[str, ...] = tuple(description.notes)
            """Sentences on the meshes that the pictures lack."""
            self._dynamics, self._damping = self._prepare(description, settings.physics_timestep)
            self._camera = Camera(self._client, self._body, self._joints, robot.reach)
            self._goal = GoalMarks(
                self._client,
                robot,
                self._camera.size,
                lambda client: load(client, robot, description),
            )
            self._opened.callback(self._goal.close)
        except BaseException:
            self.close()
            raise
        self._timestep = settings.physics_timestep
        pybullet.setGravity(0.0, 0.0, -settings.gravity, **self._own)
        pybullet.setTimeStep(self._timestep, **self._own)
        self._driver_carries = driver_carries and settings.gravity > 0.0
        self._braked = True  # so that the next line sets the friction
        self._brake(False)
        self._slow = [
            (joint, limit)
            for joint, limit in zip(self._joints, robot.velocity_limit.tolist(), strict=True)
            if limit < robot.velocity_limit.max()
        ]
        self._slow_joints = [joint for joint, _ in self._slow]
        middle = (self._low + self._high) / 2.0
        self._place(middle, np.zeros(len(robot.joints)))
        self._collisions: SelfCollision | None = None
        if description.root.find("link/collision") is not None:
            self._collisions = SelfCollision(
                self._client, self._body, robot, middle, self._place_at_rest
            )
        if gui:
            self._camera.aim_window()

    def _prepare(
        self, description: Description, timestep: float
    ) -> tuple[Dynamics, ImplicitDamping | None]:
        """Check the mass matrix; returns an implicit damping if PyBullet's would be unstable."""
        suspects = [link for link, own in description.inertias.items() if not own.is_physical]
        dynamics = Dynamics(self._client, self._body, self._joints, self.robot, suspects)
        damping = np.array([description.damping[joint] for joint in self.robot.joints])
        if timestep * dynamics.largest_rate(damping) <= EXPLICIT_LIMIT:
            return dynamics, None
        for joint in self._joints:
            pybullet.changeDynamics(self._body, joint, jointDamping=0.0, **self._own)
        return dynamics, ImplicitDamping(dynamics, damping, timestep)

    def reset(self, rng: np.random.Generator) -> None:
        """Draw a start state uniformly, independently for each joint, inside the limits.

        Raises:
            ConfigError: the arm touches itself wherever it starts.
        """
        spread = np.minimum(self._velocity_spread, self.robot.velocity_limit)
        for _ in range(_TRIES):
            self._place(rng.uniform(self._low, self._high), rng.uniform(-spread, spread))
            if self._collisions is None or not self._collisions.touches():
                break
        else:
            raise ConfigError(
                f"{self.robot.name} touches itself at each of {_TRIES} start positions; set "
                "another sim.start_position or a smaller sim.start_position_spread, or "
                "sim.self_collision: false."
            )
        self._push.reset(rng)
        self._steps = 0

    def skip_resets(self, rng: np.random.Generator, count: int) -> None:
        """Reset `count` times as an earlier process did, so that the start states go on."""
        for _ in range(count):
            self.reset(rng)

    def touches_itself(self, position: Vector) -> bool:
        """Return whether links overlap that are not joined, at a position, (n,) [rad].

        The arm stays there. It is False if `sim.self_collision` is, or the file has no shapes.
        """
        self._place_at_rest(position)
        return self._collisions is not None and self._collisions.touches()

    @property
    def passing(self) -> list[str]:
        """Pairs of links that pass through each other, because they touch at the start."""
        return [] if self._collisions is None else self._collisions.ignored

    def _place_at_rest(self, position: Vector) -> None:
        self._place(position, np.zeros(len(position)))

    def _place(self, position: Vector, velocity: Vector) -> None:
        p, own = pybullet, self._own
        for index, angle, speed in zip(self._joints, position, velocity, strict=True):
            p.resetJointState(self._body, index, float(angle), float(speed), **own)

    def step(self, torque: Vector, substeps: int) -> Vector:
        """Apply a torque for some physics steps, and what pushes the arm meanwhile.

        Args:
            torque: (n,) [N·m]; with what the driver adds, clipped to the effort limit.
            substeps: number of physics steps.

        Returns:
            The applied torque, (n,) [N·m], without a push and what the driver adds.
        """
        self._brake(False)
        applied = np.minimum(np.maximum(torque, -self._effort), self._effort)
        self._step(applied, substeps)
        return applied

    def hold(self, substeps: int) -> Vector:
        """Let the brakes hold the arm for some physics steps; returns the motors' torque, 0.

        Args:
            substeps: number of physics steps.
        """
        self._brake(True)
        released = np.zeros(len(self._joints))
        self._step(released, substeps)
        return released

    def _brake(self, close: bool) -> None:
        """Close or open the joints' brakes; open, each joint has the friction of its URDF.

        Both are motors of PyBullet that hold zero velocity with a limited torque.
        """
        if close == self._braked:
            return
        self._braked = close
        torques = (_BRAKES * self._effort).tolist() if close else self._friction
        zeros = [0.0] * len(torques)
        pybullet.setJointMotorControlArray(
            self._body,
            self._joints,
            pybullet.VELOCITY_CONTROL,
            targetVelocities=zeros,
            forces=torques,
            **self._own,
        )

    def _step(self, applied: Vector, substeps: int) -> None:
        p, client, body, joints = pybullet, self._client, self._body, self._joints
        for _ in range(substeps):
            push = self._push.torque(self._steps * self._timestep)
            self._steps += 1
            if self._driver_carries or self._damping is not None:
                forces = self._forces(applied, push)
            else:
                forces = (applied if push is None else applied + push).tolist()
            p.setJointMotorControlArray(
                body, joints, p.TORQUE_CONTROL, forces=forces, physicsClientId=client
            )
            p.stepSimulation(physicsClientId=client)
            if self._slow:
                self._clamp_velocities()

    def _forces(self, applied: Vector, push: Vector | None) -> list[float]:
        """Return the torques of one physics step, n [N·m].

        They are the applied ones, with the driver's and a push, less the damping.
        """
        forces: list[float] = applied.tolist()
        states = pybullet.getJointStates(self._body, self._joints, **self._own)
        position = [state[0] for state in states]
        if self._driver_carries:
            rows = zip(forces, self._dynamics.weight(position), self._most, strict=True)
            forces = [min(max(own + weight, -most), most) for own, weight, most in rows]
        if push is not None:
            forces = (forces + push).tolist()
        if self._damping is not None:
            velocity = np.array([state[1] for state in states])
            acting = self._damping.torque(np.array(forces), np.array(position), velocity)
            forces = acting.tolist()
        return forces

    def _clamp_velocities(self) -> None:
        """Clamp each joint to its velocity limit, and undo the motion of the excess velocity."""
        p, own, body = pybullet, self._own, self._body
        states = p.getJointStates(body, self._slow_joints, **own)
        for (joint, limit), (position, velocity, _, _) in zip(self._slow, states, strict=True):
            if abs(velocity) > limit:
                allowed = math.copysign(limit, velocity)
                position -= (velocity - allowed) * self._timestep
                p.resetJointState(body, joint, position, allowed, **own)

    def state(self, stamp: int) -> JointState:
        """Return the joint state, with the given stamp [ns]."""
        states = pybullet.getJointStates(self._body, self._joints, **self._own)
        position = np.array([state[0] for state in states])
        velocity = np.array([state[1] for state in states])
        return JointState(stamp, position, velocity)

    def weight(self, position: Vector) -> Vector:
        """Return g(q) by PyBullet's inverse dynamics, (n,) [N·m], at a position (n,) [rad]."""
        return np.array(self._dynamics.weight(position.tolist()))

    def link_position(self, link: str) -> Vector:
        """Return the position of a link's frame in PyBullet, (3,) [m].

        Raises:
            RobotError: no joint has this child link.
        """
        p, own = pybullet, self._own
        for index in range(p.getNumJoints(self._body, **own)):
            if p.getJointInfo(self._body, index, **own)[12].decode() == link:
                state = p.getLinkState(self._body, index, computeForwardKinematics=True, **own)
                return np.array(state[4])
        raise RobotError(f"{self.robot.urdf_path} has no link '{link}' at the end of a joint.")

    def show_goal(self, kind: GoalKind, goal: Any) -> None:
        """Mark a goal of a kind in the pictures; it has no collisions."""
        self._goal.show(kind, goal)

    def render(self, width: int = 640, height: int = 480) -> NDArray[np.uint8]:
        """Return a picture, (height, width, 3)."""
        return self._camera.picture(width, height, self._goal)

    def close(self) -> None:
        """Disconnect from PyBullet; a second call does nothing."""
        self._opened.close()

    def __enter__(self) -> "World":
        """Return the world itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the world."""
        self.close()


def _connect(gui: bool) -> int:
    if not gui:
        return int(pybullet.connect(pybullet.DIRECT))
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise MachineError(  # PyBullet would end the whole process
            "gui is true, but DISPLAY is not set; run on a desktop, or without the window "
            "(gui: false) and record a GIF instead."
        )
    with quiet():
        client = int(pybullet.connect(pybullet.GUI))
    if client < 0:
        raise MachineError("PyBullet cannot open its window; run without it (gui: false).")
    return client


def _friction(robot: Robot) -> Vector:
    """Return the friction of each joint, (n,) [N·m].

    Raises:
        RobotError: friction or damping against which a motor does not move its joint.
    """
    friction = read_friction(robot)
    for key, torque in (("friction", friction), ("damping", _CREEP * read_damping(robot))):
        stuck = [robot.joints[joint] for joint in np.flatnonzero(torque >= robot.effort_limit)]
        if stuck:
            raise RobotError(
                f"{robot.urdf_path}: <dynamics {key}=…> takes all the effort of {few_of(stuck)}, "
                f"so that the joint stands still; expected less {key} than effort."
            )
    return friction
