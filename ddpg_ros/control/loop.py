"""One tick of the control loop: state → observation → action → guard → transition.

The loop has no ROS, no torch and no clock, so that the nodes and the tests drive the same object.
"""

from typing import NamedTuple, Protocol

import numpy as np

from ddpg_ros.control.actor import Actor
from ddpg_ros.tasks import answers
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import Episode, JointState, Transition, Vector, Vector32


class TorqueFilter(Protocol):
    """Limits the torque between the actor and the motors: the safety around the guard."""

    @property
    def carried(self) -> Vector:
        """Part of the torque returned last that carries the arm's weight, (n,) [N·m].

        The actor neither asked for it nor learns from it.
        """

    def apply(self, torque: Vector, position: Vector, velocity: Vector, dt: float) -> Vector:
        """Return the torque to send and remember it as sent.

        Args:
            torque: requested, (n,) [N·m], on top of what carries the arm's weight.
            position: (n,) [rad].
            velocity: (n,) [rad/s].
            dt: time since the last call [s].

        Returns:
            (n,) [N·m], with what carries the arm.
        """


class Tick(NamedTuple):
    """The result of a tick."""

    torque: Vector  # (n,) [N·m], after the guard; zero if the episode is over
    over: bool  # whether this state was the episode's last, so that a reset is due
    episode: Episode | None  # the finished episode, if it is over
    requested: Vector | None = None  # (n,) [N·m], before the guard; None if the episode is over


class _Step(NamedTuple):
    """An open step: the next state completes it to a transition."""

    observation: Vector32  # (o,)
    action: Vector32  # (n,) the torque after the guard, less the weight, over the torque limit


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
        """Connect the parts of one arm's loop.

        Args:
            task: observes, rewards and terminates.
            actor: chooses the actions.
            guard: limits the torque.
            torque_limit: (n,) [N·m], the torque of action 1.
            episode_steps: time limit [steps]; reaching it truncates the episode, without
                termination.
            rng: the source of the task's goals.
        """
        self._task = task
        self._size = task.observation_size
        self._actor = actor
        self._guard = guard
        self._torque_limit = torque_limit
        self._episode_steps = episode_steps
        self._rng = rng
        self._open: _Step | None = None
        self._length = 0
        self._terms: dict[str, float] = {}
        self.steps = 0
        """Steps completed since the start."""

    def begin_episode(self) -> None:
        """Reset the task; the next state is the first of an episode.

        Raises:
            TaskFailedError: the task failed.
        """
        self._length = 0
        self._terms = dict.fromkeys(self._task.terms, 0.0)
        answers.begin(self._task, self._rng)

    def abandon(self) -> None:
        """Drop the episode and its open step."""
        self._open = None
        self._actor.abandon()

    def tick(self, state: JointState, dt: float) -> Tick:
        """Complete the open step with `state`, then open the next one.

        Args:
            state: of the arm, about one control period after the last tick.
            dt: measured time since the last tick [s], for the guard's rate limit.

        Raises:
            TaskFailedError: the task failed, or gave an observation of another size than it
                states, numbers that are not finite, or other terms than it names.
        """
        observation = answers.observation_of(self._task, state, self._size)
        episode = self._close(state, observation) if self._open is not None else None
        if episode is not None:
            self._open = None
            return Tick(np.zeros_like(self._torque_limit), True, episode)
        action = self._actor.select_action(observation)
        requested = action * self._torque_limit
        torque = self._guard.apply(requested, state.position, state.velocity, dt)
        own = torque - self._guard.carried
        self._open = _Step(observation, (own / self._torque_limit).astype(np.float32))
        return Tick(torque, False, None, requested)

    def _close(self, state: JointState, observation: Vector32) -> Episode | None:
        """Record the open step as a transition; returns the episode if it is over."""
        assert self._open is not None
        terms = answers.reward_of(self._task, state, self._open.action)
        terminated = answers.verdict(self._task, "terminated", state)
        reward = sum(terms.values())
        self._actor.record(Transition(*self._open, reward, terminated, observation))
        self.steps += 1
        self._length += 1
        for name, value in terms.items():
            self._terms[name] += value
        if not terminated and self._length < self._episode_steps:
            return None
        episode = Episode(
            sum(self._terms.values()),
            self._length,
            answers.verdict(self._task, "success", state),
            terminated,
            self._terms,
        )
        self._actor.end_episode(episode)
        return episode
