"""The learner: networks, replay and generators, and how many updates are due."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from ddpg_ros.algo.checkpoint import Checkpoint, moved
from ddpg_ros.algo.compiled import CompiledUpdate
from ddpg_ros.algo.cuda_graph import CudaGraph
from ddpg_ros.algo.machine import require_machine, sum_in_float32, use_threads
from ddpg_ros.algo.normaliser import Normaliser
from ddpg_ros.algo.program import CHUNK, Program, Run
from ddpg_ros.algo.replay import Replay
from ddpg_ros.algo.update import Metrics
from ddpg_ros.algo.value_limits import ValueLimits
from ddpg_ros.config.settings import LearnerSection, Value, from_parameters
from ddpg_ros.errors import LearnerDivergedError, MachineError
from ddpg_ros.say import say
from ddpg_ros.types import Experience, RecordLayout, Transition, Vector32

WORTH_COMPILING = 5_000
"""Updates of a whole training from which `auto` compiles: fewer are done before it is loaded."""

SKIPS_ALLOWED = 10
"""So many skipped updates in a row end the training."""

Array32 = np.ndarray[tuple[int, int], np.dtype[np.float32]]


class Learner:
    """DDPG: `add` experience and `update` while `due`, until `close`.

    With `actor_weights` one explores; `policy_weights` are what is kept.
    """

    def __init__(
        self,
        settings: LearnerSection,
        layout: RecordLayout,
        seed: int,
        planned_updates: float = float("inf"),
    ) -> None:
        """Draw the networks, reserve the replay and begin to compile where that is worth it.

        Args:
            settings: everything about learning.
            layout: of the records.
            seed: of the networks and of sampling.
            planned_updates: of the whole training.

        Raises:
            MachineError: a device, mode or precision that is not there.
        """
        require_machine(settings)
        cuda = torch.device(settings.device).type == "cuda"
        use_threads(settings, layout)
        sum_in_float32()
        self._settings = settings
        self._layout = layout
        self._program = Program(settings, layout)
        self._draw = torch.Generator().manual_seed(seed)
        self._sample = torch.Generator().manual_seed(seed)
        self.state = self._program.initial_state(self._draw)
        self._run: Run = CudaGraph(self._program) if self._graphs(cuda) else self._program.eagerly
        self._compiled: CompiledUpdate | None = None
        if self._compiles(cuda, planned_updates):
            self._compiled = CompiledUpdate(settings, layout)
        self.replay = Replay(settings.replay_capacity, layout, settings.device)
        self._normaliser = Normaliser(layout.observation_size)
        self._inputs = self._program.inputs(self.replay.storage)
        self._limits = ValueLimits(settings.discount, settings.n_step)
        self._limit_values()
        self._skips_in_a_row = 0
        self._has_left_out = False
        self._learns_from = settings.warmup_steps
        self._updates_before = 0
        self.steps = 0
        self.updates = 0

    @classmethod
    def for_sizes(
        cls,
        observation_size: int,
        action_size: int,
        *,
        seed: int = 0,
        settings: Mapping[str, Value] | None = None,
    ) -> "Learner":
        """Make a learner by hand, for a loop of one's own.

        Args:
            observation_size: numbers in an observation.
            action_size: numbers in an action.
            seed: of the networks and of sampling.
            settings: of the learner, by the names of their parameters:
                `{"learner.batch_size": 64}`.

        Raises:
            ConfigError: an unknown setting, or a value out of its range.
            MachineError: a device, mode or precision that is not there.
        """
        own = from_parameters({"learner.mode": "eager", **(settings or {})}, "Learner.for_sizes")
        return cls(own.learner, RecordLayout(observation_size, action_size), seed)

    def _graphs(self, cuda: bool) -> bool:
        return cuda and self._settings.mode in ("cudagraph", "auto")

    def _compiles(self, cuda: bool, planned: float) -> bool:
        mode = self._settings.mode
        return mode == "compile" or (mode == "auto" and not cuda and planned >= WORTH_COMPILING)

    @property
    def compiling(self) -> bool:
        """Whether the compiled update is still to come."""
        return self._compiled is not None and not self._compiled.ready

    def compile(self) -> None:
        """Wait until the compiled update is in use, where there is to be one.

        Raises:
            MachineError: `learner.mode` is compile, and it cannot be.
        """
        if self._compiled is not None:
            self._compiled.wait()
            self._adopt(self._compiled)

    def _adopt(self, compiled: CompiledUpdate) -> None:
        self._compiled = None
        if compiled.run is not None:
            self._run = compiled.run
        elif self._settings.mode == "compile":
            raise MachineError(f"learner.mode is compile, but {compiled.error}")
        else:
            say(f"learner: not compiled, slower: {compiled.error}")

    def add(self, records: Array32) -> None:
        """Store experience, (k, width), but for records with a number that is not finite."""
        self.steps += len(records)
        finite = np.isfinite(records).all(1)
        if not finite.all():
            self._tell_of_what_is_left_out()
            records = records[finite]
        if not len(records):
            return
        self.replay.add(torch.from_numpy(records))
        observation, _, reward, discount, _ = self._layout.slices
        if self._settings.normalise_observations:
            self._normaliser.add(records[:, observation])
            self._inputs.moments.copy_(self._normaliser.moments)
        if self._limits.add(records[:, reward], records[:, discount]):
            self._limit_values()

    def add_transition(self, transition: Transition) -> None:
        """Store one step; its reward is taken as it is, whatever `learner.n_step` says."""
        discount = 0.0 if transition.terminated else self._settings.discount
        experience = Experience(
            transition.observation,
            transition.action,
            transition.reward,
            discount,
            transition.next_observation,
        )
        self.add(self._layout.pack(experience)[None])

    def _tell_of_what_is_left_out(self) -> None:
        if not self._has_left_out:
            self._has_left_out = True
            say(
                "learner: a transition is left out, as not all of its numbers are finite (one of "
                f"the first {self.steps}); further ones are, too. Look at the environment's "
                "observations and rewards."
            )

    def _limit_values(self) -> None:
        self._inputs.value_range.copy_(torch.tensor(self._limits.range))
        self._inputs.value_limit.fill_(self._limits.divergence)

    @property
    def due(self) -> int:
        """Updates owed: `update_to_data` for each step after the warm-up; none without data."""
        if not len(self.replay):
            return 0
        learning = max(0, self.steps - self._learns_from)
        done = self.updates - self._updates_before
        return int(learning * self._settings.update_to_data) - done

    def checkpoint(self) -> Checkpoint:
        """Return all that the learner knows but its replay, on the CPU, a copy."""
        state = moved(self.state, "cpu")
        statistics = self._normaliser.statistics
        return Checkpoint(state, statistics, self._limits.rewards, self.steps, self.updates)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take back what an earlier learner of the same settings knew."""
        self.state = moved(checkpoint.state, self._settings.device)
        self._normaliser.restore(checkpoint.statistics)
        if self._settings.normalise_observations:
            self._inputs.moments.copy_(self._normaliser.moments)
        self._limits.note(checkpoint.rewards)
        self._limit_values()
        self.updates = checkpoint.updates

    def go_on_from(self, step: int) -> None:
        """Begin at a later step of the run, with an empty replay and without debt.

        Updates are due for the steps from then on, once the replay holds a minibatch again.

        Args:
            step: environment steps so far.
        """
        self.steps = step
        self._learns_from = max(self._settings.warmup_steps, step + self._settings.batch_size)
        self._updates_before = self.updates

    def update(self, count: int = 1) -> "Report":
        """Do so many updates, each on a minibatch of its own.

        Raises:
            LearnerDivergedError: `SKIPS_ALLOWED` updates in a row were skipped.
        """
        if self._compiled is not None and self._compiled.ready:
            self._adopt(self._compiled)
        reports: list[Array32] = []
        while count > 0:
            now = min(count, CHUNK, self._until_reset())
            reports.append(self._call(now))
            count -= now
        report = Report(reports[0] if len(reports) == 1 else np.concatenate(reports))
        self._check(report)
        return report

    def _call(self, count: int) -> Array32:
        with torch.no_grad():
            self._draw_minibatches(count)
            self.state, report = self._run(self.state, self._inputs)
        self.updates += count
        every = self._settings.reset_every
        if every and self.updates % every == 0:  # Nikishin et al. (2022): the replay stays
            self.state = self._program.initial_state(self._draw)
        rows: Array32 = report[:count].cpu().numpy()
        return rows

    def _until_reset(self) -> int:
        every = self._settings.reset_every
        return every - self.updates % every if every else CHUNK

    def _draw_minibatches(self, count: int) -> None:
        settings, inputs = self._settings, self._inputs
        inputs.updates.fill_(count)
        self.replay.draw(inputs.rows[:count], self._sample)
        if settings.target_noise:
            noise = inputs.noise[:count]
            noise.normal_(0.0, settings.target_noise, generator=self._sample)
            noise.clamp_(-settings.target_noise_clip, settings.target_noise_clip)

    def _check(self, report: "Report") -> None:
        for skipped in report.column("skipped"):
            self._skips_in_a_row = self._skips_in_a_row + 1 if skipped else 0
            if self._skips_in_a_row >= SKIPS_ALLOWED:
                limit = self._inputs.value_limit.item()
                largest = max(abs(report.column("q_min")[-1]), abs(report.column("q_max")[-1]))
                raise LearnerDivergedError(
                    f"the learner diverges: {SKIPS_ALLOWED} updates in a row were skipped, as "
                    "their losses or gradients were not finite, or |Q| or its target was beyond "
                    f"what rewards allow (largest |Q| {largest:.3g}, allowed for both "
                    f"2 r_max/(1 − γ) = {limit:.3g}). The policy is the last good one. "
                    "Try learner.clip_target: true, a lower learner.critic_learning_rate, a lower "
                    "learner.tau or learner.critics: 2; and look whether observations and "
                    "rewards are of order 1."
                )

    def actor_weights(self) -> Vector32:
        """Return the actor's parameters, (p,), for observations as they come."""
        return self._for_raw_observations(self.state.actor)

    def policy_weights(self) -> Vector32:
        """Return the parameters of the policy to keep, likewise: the actor's, or its average."""
        state, averaged = self.state, self._settings.averaged_policy
        return self._for_raw_observations(state.target_actor if averaged else state.actor)

    def _for_raw_observations(self, parameters: torch.Tensor) -> Vector32:
        weights: Vector32 = parameters.cpu().numpy()
        if self._settings.normalise_observations:
            sizes = [self._layout.observation_size, *self._settings.hidden]
            return self._normaliser.fold(weights, sizes)
        return weights

    def act(self, observation: Vector32) -> Vector32:
        """Return the policy's answer, (b, o) → (b, a), by the network that learnt it."""
        inputs = torch.from_numpy(observation)
        answer = self._program.policy(torch.from_numpy(self.policy_weights()), inputs)
        result: Vector32 = answer.numpy()
        return result

    def close(self) -> None:
        """End a compilation that is still under way."""
        if self._compiled is not None:
            self._compiled.close()


class Report(NamedTuple):
    """What a call of updates reports."""

    rows: Array32  # (updates, metrics), see `Metrics`

    def column(self, name: str) -> list[float]:
        """Return one metric of each update."""
        values: list[float] = self.rows[:, Metrics._fields.index(name)].tolist()
        return values
