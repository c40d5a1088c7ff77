"""One tick of the control loop: state → observation → action → guard → transition.

No ROS, no torch, no clock of its own: the agent node and the tests drive the same object.
"""

import math
from typing import NamedTuple, Protocol

import numpy as np

from ddpg_ros.control.actor import Actor
from ddpg_ros.errors import TaskFailedError
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import Episode, JointState, Transition, Vector, Vector32


class TorqueFilter(Protocol):
    """Stands between the actor and the motors: the guard, or the safety states around it."""

    def apply(self, torque: Vector, position: Vector, velocity: Vector, dt: float) -> Vector:
        """Return the torque to send, (n,) [N·m], and remember it as sent."""


class Tick(NamedTuple):
    """What a tick gives back."""

    torque: Vector  # (n,) [N·m], after the guard; zero where the episode is over
    over: bool  # whether this state was the last of the episode: a reset is due
    episode: Episode | None  # what the episode came to, where it is over


class _Step(NamedTuple):
    """The step that is open until the next state closes it."""

    observation: Vector32  # (o,)
    action: Vector32  # (n,) applied: after the guard, over the torque limit


class ControlLoop:
    """Runs episodes of a task, one tick a control period."""

    def __init__(
        self,
        task: Task,
        actor: Actor,
        guard: TorqueFilter,
        torque_limit: Vector,
        episode_steps: int,
        rng: np.random.Generator,
    ) -> None:
        """Wire one arm.

        Args:
            task: what to do.
            actor: chooses the actions.
            guard: stands between the actor and the motors.
            torque_limit: (n,) [N·m], the torque of action 1.
            episode_steps: time limit [steps]; reaching it truncates, it does not terminate.
            rng: draws the goals.
        """
        self._task = task
        self._shape = (task.observation_size,)
        self._actor = actor
        self._guard = guard
        self._torque_limit = torque_limit
        self._episode_steps = episode_steps
        self._rng = rng
        self._open: _Step | None = None
        self._length = 0
        self._terms: dict[str, float] = {}
        self.steps = 0
        """Steps closed since the start."""

    def begin_episode(self) -> None:
        """Draw a goal; the next state is the first of an episode."""
        self._length = 0
        self._terms = dict.fromkeys(self._task.terms, 0.0)
        self._task.reset(self._rng)

    def abandon(self) -> None:
        """Leave the episode where it is: the open step is dropped."""
        self._open = None
        self._actor.abandon()

    def tick(self, state: JointState, dt: float) -> Tick:
        """Close the open step with `state`, then act on it.

        Args:
            state: the arm, one control period after the last tick.
            dt: measured time since the last tick [s], for the guard's rate limit.

        Raises:
            TaskFailedError: the task gave an observation of another size than it states, a reward
                that is not finite, or other terms than it names.
        """
        observation = self._task.observe(state)
        if observation.shape != self._shape:
            raise TaskFailedError(
                f"the task {type(self._task).__name__} returned an observation of shape "
                f"{observation.shape}; its observation_size promises {self._shape}."
            )
        episode = self._close(state, observation) if self._open is not None else None
        if episode is not None:
            self._open = None
            return Tick(np.zeros_like(self._torque_limit), True, episode)
        action = self._actor.select_action(observation)
        asked = action * self._torque_limit
        torque = self._guard.apply(asked, state.position, state.velocity, dt)
        self._open = _Step(observation, (torque / self._torque_limit).astype(np.float32))
        return Tick(torque, False, None)

    def _close(self, state: JointState, observation: Vector32) -> Episode | None:
        assert self._open is not None
        terms = self._task.reward(state, self._open.action)
        terminated = self._task.terminated(state)
        reward = sum(terms.values())
        if not math.isfinite(reward) or terms.keys() != self._terms.keys():
            raise TaskFailedError(
                f"the task {type(self._task).__name__} returned the reward {terms}; expected "
                f"finite numbers for {', '.join(self._terms)}."
            )
        self._actor.observe(Transition(*self._open, reward, terminated, observation))
        self.steps += 1
        self._length += 1
        for name, value in terms.items():
            self._terms[name] += value
        if not terminated and self._length < self._episode_steps:
            return None
        episode = Episode(
            sum(self._terms.values()),
            self._length,
            self._task.success(state),
            terminated,
            self._terms,
        )
        self._actor.end_episode(episode)
        return episode
