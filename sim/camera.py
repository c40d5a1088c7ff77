"""Pictures of the arm, by TinyRenderer, which needs no display."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.types import Vector
from sim.bullet import pybullet
from sim.goal_marks import COLOUR, GoalMarks

FIELD_OF_VIEW = 35.0  # [°], vertical
SUPERSAMPLING = 2  # TinyRenderer has no anti-aliasing: render larger, then average
BACKGROUND = (244.0, 246.0, 249.0)  # RGB
LIGHT_DISTANCE = 8.0  # far from this value, TinyRenderer loses the shadows of arms of this size
GOAL_OPACITY = 0.55
GHOST_OPACITY = 0.5
GHOST_COLOUR = 255.0 * np.array(COLOUR[:3])
NO_REACH = 0.5  # [m] assumed size of an arm whose reach is 0
UP = np.array([0.0, 0.0, 1.0])
FROM_ASIDE = np.array([0.62, -0.68, 0.39])  # from the target to the eye, a unit vector

Picture = NDArray[np.float64]
"""(height, width, channels)."""


class Camera:
    """Frames the whole reach of an arm.

    The camera looks at a planar arm along its axis, slightly tilted, and at any other arm
    obliquely from above.
    """

    def __init__(self, client: int, body: int, joints: Sequence[int], reach: float) -> None:
        """Frame the arm.

        Args:
            client: PyBullet's client.
            body: the arm.
            joints: of the arm; their axes and the first one's position determine the view.
            reach: upper bound of the fingertip's distance from the base [m].
        """
        self._client = client
        first, *others = (_place_and_axis(client, body, joint) for joint in joints)
        self._target, axis = first
        reach = reach or NO_REACH
        self._radius = max(reach - float(np.linalg.norm(self._target)), 0.1 * reach)
        planar = all(abs(other.dot(axis)) > 0.99 for _, other in others)
        if planar:
            room, (self._direction, self._up) = 1.3, _view(axis)
        else:  # an upright arm hardly ever comes near the rim of its reach
            room, self._direction, self._up = 0.9, FROM_ASIDE, UP
            self._target = self._target + 0.15 * self._radius * UP
        self._distance = room * self._radius / np.tan(np.radians(FIELD_OF_VIEW / 2.0))
        self.size = self._radius
        """Of the arm, as far as it is framed [m]."""

    def picture(self, width: int, height: int, goal: GoalMarks) -> NDArray[np.uint8]:
        """Return the camera's picture, (height, width, 3), with a translucent goal."""
        image, _ = self._shot(width, height, self._client)
        if goal.any:  # TinyRenderer has no transparency: blend shots with and without
            goal.put_away(self._target + 1e3 * self._radius * self._direction)
            without, _ = self._shot(width, height, self._client)
            goal.put_back()
            image = GOAL_OPACITY * image + (1.0 - GOAL_OPACITY) * without
        ghost = goal.ghost()
        if ghost is not None:
            shape, cover = self._shot(width, height, ghost.client, ghost.links)
            shade = 0.5 + shape.mean(axis=2, keepdims=True) / 510.0  # 0.5 to 1
            opacity = GHOST_OPACITY * cover
            image = opacity * shade * GHOST_COLOUR + (1.0 - opacity) * image
        return np.round(image).astype(np.uint8)

    def _shot(
        self, width: int, height: int, client: int, links: Collection[int] | None = None
    ) -> tuple[Picture, Picture]:
        """Return a picture, (height, width, 3), and how much of each pixel is no background.

        `links` are PyBullet's indices of what counts as no background; None: all.
        """
        p, scale = pybullet, SUPERSAMPLING
        distance = self._distance
        eye = self._target + distance * self._direction
        view = p.computeViewMatrix(eye.tolist(), self._target.tolist(), self._up.tolist())
        near, far = max(distance - 4.0 * self._radius, 0.05 * distance), distance * 4.0
        lens = p.computeProjectionMatrixFOV(FIELD_OF_VIEW, width / height, near, far)
        light = self._direction + np.array([-0.9, -0.3, 1.0])
        _, _, pixels, _, segments = p.getCameraImage(
            width * scale,
            height * scale,
            view,
            lens,
            lightDirection=light.tolist(),
            lightDistance=LIGHT_DISTANCE,
            shadow=1,
            lightAmbientCoeff=0.55,
            lightDiffuseCoeff=0.5,
            lightSpecularCoeff=0.12,
            renderer=p.ER_TINY_RENDERER,
            flags=p.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX,
            physicsClientId=client,
        )
        colour = np.reshape(pixels, (height * scale, width * scale, 4))[:, :, :3].astype(float)
        segment = np.reshape(segments, colour.shape[:2])
        shown = segment >= 0
        if links is not None:
            shown &= np.isin((segment >> 24) - 1, list(links))
        colour[~shown] = BACKGROUND
        return _averaged(colour), _averaged(shown[:, :, None].astype(float))

    def aim_window(self) -> None:
        """Give the camera of PyBullet's window the same view."""
        p, own, (x, y, z) = pybullet, {"physicsClientId": self._client}, self._direction
        p.configureDebugVisualizer(p.COV_ENABLE_GUI, 0, **own)
        p.resetDebugVisualizerCamera(
            cameraDistance=3.0 * self._radius,
            cameraYaw=float(np.degrees(np.arctan2(x, -y))),
            cameraPitch=float(-np.degrees(np.arcsin(z))),
            cameraTargetPosition=self._target.tolist(),
            **own,
        )


def _averaged(image: Picture) -> Picture:
    height, width, depth = image.shape
    scale = SUPERSAMPLING
    means: Picture = image.reshape(height // scale, scale, width // scale, scale, depth).mean(
        (1, 3)
    )
    return means


def _place_and_axis(client: int, body: int, joint: int) -> tuple[Vector, Vector]:
    """Return a joint's position, (3,) [m], and unit axis, (3,), in the world frame."""
    state = pybullet.getLinkState(
        body, joint, computeForwardKinematics=True, physicsClientId=client
    )
    local = pybullet.getJointInfo(body, joint, physicsClientId=client)[13]
    turned, _ = pybullet.multiplyTransforms((0.0, 0.0, 0.0), state[5], local, (0.0, 0.0, 0.0, 1.0))
    return np.array(state[4]), np.array(turned) / np.linalg.norm(turned)


def _view(axis: Vector) -> tuple[Vector, Vector]:
    """Return the directions to the eye and up, unit vectors, for a planar arm with this axis."""
    level = abs(axis[2]) < 0.7  # a horizontal axis: seen from the front
    up = UP if level else np.array([0.0, 1.0, 0.0])
    tilt = 0.22 * up + 0.38 * np.cross(up, axis) if level else -0.42 * up
    direction = axis + tilt
    return direction / np.linalg.norm(direction), up
