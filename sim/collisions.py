"""Which links of an arm can touch each other, and whether they do.

Links that are joined do not count, nor do pairs that touch at the start or at many positions: the
shapes of real files overlap at the joints, and PyBullet takes the convex hull of each mesh.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ddpg_ros.robot.arm import Robot
from ddpg_ros.types import Vector
from sim.bullet import pybullet

_SAMPLES = 100  # random positions
_OFTEN = 0.2  # a pair that touches at a larger share of them does not count: its shapes are coarse
_DEPTH = 1e-4  # [m] of overlap from which links touch


class SelfCollision:
    """The pairs of links of a loaded arm that PyBullet keeps apart."""

    def __init__(
        self, client: int, body: int, robot: Robot, start: Vector, place: Callable[[Vector], None]
    ) -> None:
        """Choose the pairs, and switch the others off.

        Args:
            client: PyBullet's client.
            body: the arm.
            robot: the arm.
            start: the middle of its start positions, (n,).
            place: puts the arm at a position, (n,).
        """
        self._own: dict[str, Any] = {"physicsClientId": client}
        self._body = body
        infos = [
            pybullet.getJointInfo(body, index, **self._own)
            for index in range(pybullet.getNumJoints(body, **self._own))
        ]
        self._names = {-1: pybullet.getBodyInfo(body, **self._own)[0].decode()}
        self._names |= {info[0]: info[12].decode() for info in infos}
        shaped = [
            link for link in self._names if pybullet.getCollisionShapeData(body, link, **self._own)
        ]
        every = set(itertools.combinations(sorted(shaped), 2))
        pairs = set(_apart(infos, every))
        self._ignore(every - pairs)
        place(start)
        touching = self._touching()
        low = np.where(np.isfinite(robot.lower), robot.lower, -np.pi)
        high = np.where(np.isfinite(robot.upper), robot.upper, np.pi)
        rng, counts = np.random.default_rng(0), dict.fromkeys(pairs, 0)
        for _ in range(_SAMPLES if pairs else 0):
            place(rng.uniform(low, high))
            for pair in self._touching():
                counts[pair] += 1
        often = {pair for pair, count in counts.items() if count > _OFTEN * _SAMPLES}
        self._ignore(touching | often)
        place(start)
        self.ignored = [
            f"{self._names[a]} and {self._names[b]}" for a, b in sorted(touching | often)
        ]
        """Pairs of links that pass through each other, because they touch at the start."""

    def touches(self) -> bool:
        """Return whether two links overlap at the arm's present position."""
        return bool(self._touching())

    def _touching(self) -> set[tuple[int, int]]:
        pybullet.performCollisionDetection(**self._own)
        contacts = pybullet.getContactPoints(self._body, self._body, **self._own)
        return {
            (min(contact[3], contact[4]), max(contact[3], contact[4]))
            for contact in contacts
            if contact[8] < -_DEPTH
        }

    def _ignore(self, pairs: set[tuple[int, int]]) -> None:
        for one, other in pairs:
            pybullet.setCollisionFilterPair(self._body, self._body, one, other, 0, **self._own)


def _apart(infos: list[Any], pairs: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of links with at least two joints that move between them."""
    above = {info[0]: info[16] for info in infos}
    moves = {info[0]: info[2] != pybullet.JOINT_FIXED for info in infos}

    def way(link: int) -> list[int]:
        """Return the moving joints from a link to the base."""
        found = []
        while link >= 0:
            found += [link] if moves[link] else []
            link = above[link]
        return found

    for one, other in pairs:
        if len(set(way(one)) ^ set(way(other))) >= 2:
            yield one, other
