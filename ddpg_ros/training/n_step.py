"""Transitions of one step become experience of n: R = Σ γ^k r_k, then γⁿ Q(s_n, ·)."""

from collections import deque

from ddpg_ros.types import Experience, Transition


class NStep:
    """Completes each step of an episode with the n − 1 steps that follow it.

    The last steps of an episode have fewer successors. After a termination none is needed; at a
    time limit the shorter sum is as true, with γ to the power of its length. n = 1 delays nothing.
    Sutton, "Learning to predict by the methods of temporal differences", 1988; without an
    off-policy correction, as in D4PG (Barth-Maron et al., 2018).
    """

    def __init__(self, steps: int, discount: float) -> None:
        """Take n, and γ."""
        self._steps = steps
        self._weights = [discount**k for k in range(steps + 1)]
        self._open: deque[Transition] = deque()

    def add(self, transition: Transition) -> list[Experience]:
        """Take the next step; return the experience that it completes.

        A step that does not continue the last one begins a new episode, also without a call of
        `end` for the old one.
        """
        complete: list[Experience] = []
        if self._open:
            last = self._open[-1].next_observation
            if last is not transition.observation and (last != transition.observation).any():
                complete = self.end()
        self._open.append(transition)
        if transition.terminated:
            complete += self.end()
        elif len(self._open) == self._steps:
            complete.append(self._first())
        return complete

    def end(self) -> list[Experience]:
        """End the episode; return the experience of its last steps."""
        rest: list[Experience] = []
        while self._open:
            rest.append(self._first())
        return rest

    def _first(self) -> Experience:
        first, last = self._open[0], self._open[-1]
        reward = sum(w * step.reward for w, step in zip(self._weights, self._open, strict=False))
        discount = 0.0 if last.terminated else self._weights[len(self._open)]
        self._open.popleft()
        return Experience(
            first.observation, first.action, float(reward), discount, last.next_observation
        )
