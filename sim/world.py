"""One arm in PyBullet: torques in, joint states out. No ROS and no torch here.

What PyBullet does and does not do by itself, and what is done about it:

* it drags every link with a linear and angular damping of 0.04: set to zero, so that only the
  URDF's joint damping is left;
* it brakes every joint with a velocity motor: switched off on the joints that are commanded;
  other movable joints keep it and stand still;
* it forgets a torque after each step: applied anew before every step;
* it knows no effort limit in torque control: torques are clipped to the URDF's;
* it caps joint speed at 100 rad/s, with one number for the whole arm: set to the largest
  velocity limit of the URDF. The cap is a clamp, not a force.

Position limits are PyBullet's own constraints; they give way by up to a step's motion.
"""

import os
import sys
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.config import SimSection
from ddpg_ros.errors import ConfigError, MachineError, RobotError
from ddpg_ros.robot import Robot
from ddpg_ros.types import JointState, Vector
from sim.bullet import pybullet, quiet
from sim.camera import Camera

LIMIT_MARGIN = 0.05
"""Start positions keep this far from the position limits [rad]."""


class World:
    """The arm on its fixed base, in a PyBullet client of its own; a context manager.

    The same seed and the same torques give bit-identical states.
    """

    def __init__(self, robot: Robot, settings: SimSection, *, gui: bool = False) -> None:
        """Load the arm; it starts at rest in the middle of its start positions.

        Args:
            robot: the arm; its joint order is the order of every array here.
            settings: gravity, physics time step and start states.
            gui: open PyBullet's window.

        Raises:
            ConfigError: start positions that do not fit the arm.
            RobotError: PyBullet cannot load the URDF.
            MachineError: a window is asked for and there is no display.
        """
        self.robot = robot
        self._low, self._high = _start_interval(robot, settings)
        self._velocity_spread = settings.start_velocity_spread
        self._effort = robot.effort_limit
        self._client = _connect(gui)
        self._own: dict[str, Any] = {"physicsClientId": self._client}
        try:
            self._body, self._joints, self._others = self._load(settings)
            self._camera = Camera(self._client, self._body, self._joints, robot.reach)
        except BaseException:
            self.close()
            raise
        self._place((self._low + self._high) / 2.0, np.zeros(len(robot.joints)))
        if gui:
            self._camera.aim_window()

    def _load(self, settings: SimSection) -> tuple[int, list[int], list[int]]:
        p, own, path = pybullet, self._own, self.robot.urdf_path
        p.setGravity(0.0, 0.0, -settings.gravity, **own)
        p.setTimeStep(settings.physics_timestep, **own)
        p.setAdditionalSearchPath(str(path.parent), **own)
        try:
            with quiet():
                body = p.loadURDF(
                    str(path), useFixedBase=True, flags=p.URDF_USE_INERTIA_FROM_FILE, **own
                )
        except p.error as error:
            raise RobotError(
                f"PyBullet cannot load {path} ({error}); expected a URDF whose meshes are there."
            ) from None
        count = p.getNumJoints(body, **own)
        infos = [p.getJointInfo(body, index, **own) for index in range(count)]
        by_name = {info[1].decode(): info[0] for info in infos}
        joints = [by_name[name] for name in self.robot.joints]
        movable = (p.JOINT_REVOLUTE, p.JOINT_PRISMATIC)
        others = [info[0] for info in infos if info[2] in movable and info[0] not in joints]
        fastest = float(self.robot.velocity_limit.max())
        for index in range(-1, count):
            p.changeDynamics(body, index, linearDamping=0.0, angularDamping=0.0, **own)
        for index in joints:
            p.changeDynamics(body, index, maxJointVelocity=fastest, **own)
            p.setJointMotorControl2(body, index, p.VELOCITY_CONTROL, force=0.0, **own)
        return body, joints, others

    def reset(self, rng: np.random.Generator) -> None:
        """Draw a start state: each joint on its own, uniformly, inside its limits."""
        spread, size = self._velocity_spread, len(self._joints)
        self._place(rng.uniform(self._low, self._high), rng.uniform(-spread, spread, size))

    def _place(self, position: Vector, velocity: Vector) -> None:
        p, own = pybullet, self._own
        for index in self._others:
            p.resetJointState(self._body, index, 0.0, 0.0, **own)
        for index, angle, speed in zip(self._joints, position, velocity, strict=True):
            p.resetJointState(self._body, index, float(angle), float(speed), **own)

    def step(self, torque: Vector, substeps: int) -> Vector:
        """Hold a torque for some physics steps.

        Args:
            torque: (n,) [N·m]; clipped to the effort limit.
            substeps: number of physics steps.

        Returns:
            The applied torque, (n,) [N·m].
        """
        p, client, body, joints = pybullet, self._client, self._body, self._joints
        applied = np.minimum(np.maximum(torque, -self._effort), self._effort)
        forces = applied.tolist()
        for _ in range(substeps):
            p.setJointMotorControlArray(
                body, joints, p.TORQUE_CONTROL, forces=forces, physicsClientId=client
            )
            p.stepSimulation(physicsClientId=client)
        return applied

    def state(self, stamp: int) -> JointState:
        """Return position and velocity of the joints, labelled with `stamp` [ns]."""
        states = pybullet.getJointStates(self._body, self._joints, **self._own)
        position = np.array([state[0] for state in states])
        velocity = np.array([state[1] for state in states])
        return JointState(stamp, position, velocity)

    def link_position(self, link: str) -> Vector:
        """Return where PyBullet has the frame of a link, (3,) [m]."""
        p, own = pybullet, self._own
        for index in range(p.getNumJoints(self._body, **own)):
            if p.getJointInfo(self._body, index, **own)[12].decode() == link:
                state = p.getLinkState(self._body, index, computeForwardKinematics=True, **own)
                return np.array(state[4])
        raise RobotError(f"{self.robot.urdf_path} has no link '{link}' at the end of a joint.")

    def show_goal(self, point: Vector) -> None:
        """Mark a point, (3,) [m], with a translucent sphere that touches nothing."""
        self._camera.show_goal(point)

    def render(self, width: int = 640, height: int = 480) -> NDArray[np.uint8]:
        """Take a picture, (height, width, 3)."""
        return self._camera.picture(width, height)

    def close(self) -> None:
        """Disconnect from PyBullet; a second call does nothing."""
        if self._client >= 0:
            pybullet.disconnect(self._client)
            self._client = -1

    def __enter__(self) -> "World":
        """Return the world itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


def _connect(gui: bool) -> int:
    if not gui:
        return int(pybullet.connect(pybullet.DIRECT))
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise MachineError(  # PyBullet would end the whole process here
            "a window was asked for, but DISPLAY is not set; run on a desktop, or without the "
            "window (gui: false) and record a GIF instead."
        )
    with quiet():
        client = int(pybullet.connect(pybullet.GUI))
    if client < 0:
        raise MachineError("PyBullet cannot open its window; run without it (gui: false).")
    return client


def _start_interval(robot: Robot, settings: SimSection) -> tuple[Vector, Vector]:
    """Lowest and highest start positions, both (n,) [rad]."""
    size = len(robot.joints)
    centre = np.array(settings.start_position or [0.0] * size)
    if len(centre) != size:
        raise ConfigError(
            f"sim.start_position has {len(centre)} numbers; expected one for each of the joints "
            f"{', '.join(robot.joints)}."
        )
    margin = np.minimum(LIMIT_MARGIN, (robot.upper - robot.lower) / 10.0)
    inside = (centre >= robot.lower) & (centre <= robot.upper)
    if not inside.all():
        if settings.start_position:
            worst = int(np.argmin(inside))
            raise ConfigError(
                f"sim.start_position puts {robot.joints[worst]} at {centre[worst]:g} rad; "
                f"expected {robot.lower[worst]:g} to {robot.upper[worst]:g} rad, as the URDF says."
            )
        centre = np.clip(centre, robot.lower, robot.upper)  # zero is no position of this arm
    low, high = robot.lower + margin, robot.upper - margin
    spread = settings.start_position_spread
    return np.clip(centre - spread, low, high), np.clip(centre + spread, low, high)
