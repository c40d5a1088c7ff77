"""The learner: networks, replay buffer and random generators, and how many updates are due."""

import logging
from collections.abc import Mapping

import numpy as np
import torch

from ddpg_ros.algo.beginning import Beginning
from ddpg_ros.algo.checkpoint import Checkpoint, Counters, moved
from ddpg_ros.algo.machine import require_machine, sum_in_float32, use_threads
from ddpg_ros.algo.normaliser import Normaliser, Statistics
from ddpg_ros.algo.program import CHUNK, Program
from ddpg_ros.algo.replay import Replay
from ddpg_ros.algo.report import Array32, Report
from ddpg_ros.algo.runner import Runner
from ddpg_ros.algo.update import LearnerState, Metrics
from ddpg_ros.algo.value_limits import ValueLimits
from ddpg_ros.algo.warm_start import WarmStart
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.config.settings import Value, from_parameters
from ddpg_ros.errors import ConfigError
from ddpg_ros.types import Experience, RecordLayout, Transition, Vector32

_LOG = logging.getLogger(__name__)


class Learner:
    """DDPG: `add` experience, then `update` while updates are `due`, and finally `close`.

    `actor_weights` are for exploration, `policy_weights` for the policy file.
    """

    def __init__(
        self,
        settings: LearnerSection,
        layout: RecordLayout,
        seed: int,
        planned_updates: float = float("inf"),
        warm: WarmStart | None = None,
    ) -> None:
        """Draw the networks, reserve the replay buffer and start to compile if it pays off.

        Args:
            settings: everything about learning.
            layout: of the records.
            seed: of the networks and of sampling.
            planned_updates: of the whole training.
            warm: what it begins with of an earlier training; None: drawn networks.

        Raises:
            MachineError: this machine lacks the device, mode or precision, or memory.
            CheckpointError: the networks of the earlier training have other sizes.
        """
        require_machine(settings)
        use_threads(settings, layout)
        sum_in_float32()
        self._settings = settings
        self._layout = layout
        self._program = Program(settings, layout)
        self._draw = torch.Generator().manual_seed(seed)
        self._sample = torch.Generator().manual_seed(seed)
        self._beginning = Beginning(settings, layout, warm)
        self.state = self._beginning.state(self._program.initial_state(self._draw))
        storage_settings = self._beginning.storage_settings
        self._runner = Runner(settings, storage_settings, self._program, planned_updates)
        room = self._beginning.room
        self.replay = Replay(settings.replay_capacity, layout, settings.device, room)
        self._normaliser = Normaliser(layout.observation_size)
        self._inputs = self._program.inputs(self.replay.storage)
        self._limits = ValueLimits(settings.discount, settings.n_step)
        if warm is not None:
            self._take(warm)
        self._limit_values()
        self._skips_in_a_row = 0
        self._has_warned_of_non_finite = False
        self._warmup_ends = settings.warmup_steps  # environment step
        self._updates_before = 0  # done without a debt, see `go_on_from`
        self.wanted = 0
        """Updates in all that are due without a step: of a training without an arm."""
        self.steps = 0
        self.updates = 0

    def _take(self, warm: WarmStart) -> None:
        """Take what an earlier training has besides its networks."""
        self.replay.keep_earlier(torch.from_numpy(warm.records))
        self._limits.allow(warm.values)
        if self._beginning.statistics is not None:
            self._restore_statistics(self._beginning.statistics)

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

    @property
    def compiling(self) -> bool:
        """Whether a compilation is under way."""
        return self._runner.compiling

    @property
    def compiler_runs(self) -> bool:
        """Whether the compiler runs, for 20 to 45 s; otherwise a compiled update is loaded."""
        return self._runner.compiler_runs

    def compile(self) -> None:
        """Wait for a compilation under way and use its result.

        Raises:
            MachineError: `learner.mode` is compile, and the compilation failed.
        """
        self._runner.compile()

    def add(self, records: Array32) -> None:
        """Store records, (k, width); records that are not finite are counted but not stored."""
        self.steps += len(records)
        self.prefill(records)

    def prefill(self, records: Array32) -> None:
        """Store records, (k, width), of another run; no step of this one, and no update is due."""
        finite = np.isfinite(records).all(1)
        if not finite.all():
            self._warn_of_non_finite()
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
        """Store one step; its reward is taken as it is, whatever `learner.n_step` says.

        Raises:
            ConfigError: an observation or an action of another size.
        """
        o, a = self._layout
        for name, size in (("observation", o), ("action", a), ("next_observation", o)):
            shape = np.shape(getattr(transition, name))
            if shape != (size,):
                raise ConfigError(
                    f"the transition's {name} has the shape {shape}; this learner takes ({size},)."
                )
        discount = 0.0 if transition.terminated else self._settings.discount
        experience = Experience(
            transition.observation,
            transition.action,
            transition.reward,
            discount,
            transition.next_observation,
        )
        self.add(self._layout.pack(experience)[None])

    def _warn_of_non_finite(self) -> None:
        if not self._has_warned_of_non_finite:
            self._has_warned_of_non_finite = True
            _LOG.warning(
                "a transition is left out, as not all of its numbers are finite (one of the first "
                "%d); further ones are, too. Look at the environment's observations and rewards.",
                self.steps,
            )

    def _limit_values(self) -> None:
        self._inputs.value_range.copy_(torch.tensor(self._limits.range))
        self._inputs.value_limit.fill_(self._limits.divergence)

    @property
    def due(self) -> int:
        """Number of updates to do now: `update_to_data` for each step after the warm-up."""
        if not len(self.replay):
            return 0
        learning = max(0, self.steps - self._warmup_ends)
        by_steps = int(learning * self._settings.update_to_data) + self._updates_before
        return max(by_steps, self.wanted) - self.updates

    def checkpoint(self) -> Checkpoint:
        """Return a copy of the learner's state, without its replay buffer, on the CPU."""
        counters = Counters(
            self.steps,
            self.updates,
            self._skips_in_a_row,
            self._warmup_ends,
            self._updates_before,
        )
        return Checkpoint(
            moved(self.state, "cpu"),
            self._normaliser.statistics,
            self._limits.rewards,
            counters,
            self._draw.get_state(),
            self._sample.get_state(),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from the state of an earlier learner with the same settings.

        The replay buffer is restored by `replay.restore`; without it, call `go_on_from`.
        """
        self.state = moved(checkpoint.state, self._settings.device)
        self._restore_statistics(checkpoint.statistics)
        self._limits.rewards = checkpoint.rewards
        self._limit_values()
        self.steps, self.updates, self._skips_in_a_row = checkpoint.counters[:3]
        self._warmup_ends, self._updates_before = checkpoint.counters[3:]
        self._draw.set_state(checkpoint.draw)
        self._sample.set_state(checkpoint.sample)

    def _restore_statistics(self, statistics: Statistics) -> None:
        self._normaliser.restore(statistics)
        if self._settings.normalise_observations:
            self._inputs.moments.copy_(self._normaliser.moments)

    def go_on_from(self, step: int) -> None:
        """Resume at a later step of the run, without a debt of updates for the steps between.

        Updates become due for the steps after this one, once the replay buffer holds a minibatch.

        Args:
            step: environment steps so far.
        """
        lacking = max(0, self._settings.batch_size - len(self.replay))
        self.steps = step
        self._warmup_ends = max(self._settings.warmup_steps, step + lacking)
        self._updates_before = self.updates

    def update(self, count: int = 1) -> Report:
        """Do `count` updates, each on its own minibatch.

        Returns:
            The metrics of each update.

        Raises:
            ConfigError: there is nothing yet to draw a minibatch from.
            LearnerDivergedError: `SKIPS_ALLOWED` updates in a row were skipped.
        """
        if not len(self.replay) and not self.replay.earlier:
            raise ConfigError("the learner holds no transition; add some before an update.")
        reports = [np.zeros((0, len(Metrics._fields)), dtype=np.float32)]
        while count > 0:
            now = min(count, CHUNK, self._until_change())
            reports.append(self._call(now))
            count -= now
        report = Report(np.concatenate(reports))
        self._skips_in_a_row = report.skips_in_a_row(
            self._skips_in_a_row, self._inputs.value_limit.item()
        )
        return report

    def _call(self, count: int) -> Array32:
        beginning, before = self._beginning, self.state
        run = beginning.run if self.updates < beginning.critics_alone else self._runner.run
        if beginning.is_raw(self.updates):
            before = self._for_normalised_observations(before)
        with torch.no_grad():
            self._draw_minibatches(count)
            state, report = run(before, self._inputs)
        self.updates += count
        if beginning.is_raw(self.updates):  # so far the critics alone have learnt
            kept = self.state
            state = state._replace(actor=kept.actor, target_actor=kept.target_actor)
        self.state = state
        every = self._settings.reset_every
        if every and self.updates % every == 0:  # Nikishin et al. (2022): keep the replay buffer
            self.state = self._program.initial_state(self._draw)
        rows: Array32 = report[:count].cpu().numpy()
        return rows

    def _until_change(self) -> int:
        """Return after how many updates the networks are reset, or the actor learns, too."""
        every, alone = self._settings.reset_every, self._beginning.critics_alone
        until_reset = every - self.updates % every if every else CHUNK
        return min(until_reset, alone - self.updates if self.updates < alone else CHUNK)

    def _draw_minibatches(self, count: int) -> None:
        settings, inputs = self._settings, self._inputs
        inputs.updates.fill_(count)
        if self._earlier(self.updates):
            for k, rows in enumerate(inputs.rows[:count]):
                self.replay.draw(rows, self._sample, self._earlier(self.updates + k))
        else:
            self.replay.draw(inputs.rows[:count], self._sample)
        if settings.target_noise:
            noise = inputs.noise[:count]
            noise.normal_(0.0, settings.target_noise, generator=self._sample)
            noise.clamp_(-settings.target_noise_clip, settings.target_noise_clip)

    def _earlier(self, update: int) -> int:
        return self._beginning.earlier(update, self.replay.earlier)

    def actor_weights(self) -> Vector32:
        """Return the actor's parameters, (p,), for raw observations."""
        return self._for_raw_observations(self.state.actor)

    def policy_weights(self) -> Vector32:
        """Return the parameters of the policy file, (p,): the actor's or their running average."""
        state, averaged = self.state, self._settings.averaged_policy
        return self._for_raw_observations(state.target_actor if averaged else state.actor)

    def _for_raw_observations(self, parameters: torch.Tensor) -> Vector32:
        weights: Vector32 = parameters.cpu().numpy()
        if self._settings.normalise_observations and not self._beginning.is_raw(self.updates):
            return self._normaliser.fold(weights, self._first_layers)
        return weights

    def _for_normalised_observations(self, state: LearnerState) -> LearnerState:
        """Return a state with raw observations' actors for normalised ones."""

        def convert(actor: torch.Tensor) -> torch.Tensor:
            weights = self._normaliser.unfold(actor.cpu().numpy(), self._first_layers)
            return torch.from_numpy(weights).to(actor.device)

        return state._replace(actor=convert(state.actor), target_actor=convert(state.target_actor))

    @property
    def _first_layers(self) -> list[int]:
        return [self._layout.observation_size, *self._settings.hidden]

    def act(self, observation: Vector32) -> Vector32:
        """Return the policy's actions, (b, a), for observations, (b, o), computed by torch."""
        inputs = torch.from_numpy(observation)
        answer = self._program.policy(torch.from_numpy(self.policy_weights()), inputs)
        result: Vector32 = answer.numpy()
        return result

    def close(self) -> None:
        """Stop a compilation that is still under way."""
        self._runner.close()
