"""What `--init-from` takes of an earlier training: checked against the present one, then kept."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.algo.networks_in_file import (
    HEADER_LIMIT,
    KIND,
    LEARNER,
    SCHEMA_VERSION,
    network_settings,
)
from ddpg_ros.algo.value_limits import ValueLimits
from ddpg_ros.algo.warm_start import Critics, WarmStart
from ddpg_ros.config.run_directory import CHECKPOINTS, WARM_START
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout, load_policy
from ddpg_ros.errors import CheckpointError, ConfigError, few_of, shortened
from ddpg_ros.files.generations import Generation, newest_generation
from ddpg_ros.files.kinds import at_home, is_folder, is_regular, is_special
from ddpg_ros.files.sealed import read_sealed, require_finite, require_version
from ddpg_ros.files.unused import CONFIG
from ddpg_ros.training.memory_check import available_memory, require_disk, require_room
from ddpg_ros.types import RecordLayout
from ddpg_ros.worker.document import check_document
from ddpg_ros.worker.stored_records import stored_records
from ddpg_ros.worker.warm_start_file import KeptWarmStart, save_warm_start

_SETTING = "run.init_from"
_ALONE = "set learner.earlier_share: 0 to take its networks alone"
_OF_REWARDS = ("learner.discount", "learner.n_step")
_TOLD_APART = {"task.name", "robot.urdf", "robot.joints", "robot.torque_limit"}
"""Settings of arm and task that have a sentence of their own, or are files."""


class Earlier(NamedTuple):
    """What is taken of an earlier training, and what there is to say about it."""

    kept: KeptWarmStart
    sentences: list[str]

    @property
    def bytes(self) -> int:
        """Size of the file that it takes, about."""
        warm = self.kept.warm
        critics = 0 if warm.critics is None else 2 * warm.critics.critics.nbytes
        return warm.records.nbytes + 2 * warm.actor.nbytes + critics + HEADER_LIMIT


def earlier_of(config: Config, about: PolicyAbout, run_dir: Path | None) -> Earlier | None:
    """Return what `run.init_from` names, unless the run directory holds it already.

    Args:
        config: of the new training.
        about: what its policy is for.
        run_dir: the run directory; None: as the settings say.

    Raises:
        ConfigError: it is neither a run nor a policy, or does not fit this training.
        CheckpointError, PolicyFileError: it is damaged.
        MachineError: memory or disk do not hold it.
    """
    folder = run_dir or (Path(config.run.directory) if config.run.directory else None)
    if not config.run.init_from or (folder is not None and is_regular(folder / WARM_START)):
        return None
    path = at_home(config.run.init_from).absolute()
    read = _of_run if is_folder(path) else _of_policy
    earlier = read(path, config, about)
    records = len(earlier.kept.warm.records)
    require_room(config.learner, about.sizes, available_memory(), records)
    require_disk(config, about.sizes, run_dir, earlier=earlier.bytes)
    return earlier


def keep_earlier(earlier: Earlier | None, run_dir: Path) -> None:
    """Write what is taken into the new run directory, if anything is.

    Raises:
        RunDirectoryError: it cannot be written.
    """
    if earlier is not None:
        save_warm_start(run_dir, earlier.kept)


def _of_policy(path: Path, config: Config, about: PolicyAbout) -> Earlier:
    if not is_regular(path) and not is_special(path):
        raise ConfigError(
            f"{_SETTING} is {shortened(str(path))}, which is not there; expected the "
            "directory of a training, or a policy file."
        )
    policy = load_policy(path)
    theirs = asdict(policy.about)
    learner = config.learner
    own = {"layer sizes": about.sizes, "learner.actor_layer_norm": learner.actor_layer_norm}
    _require_same(
        path,
        {"layer sizes": theirs["sizes"], "learner.actor_layer_norm": theirs["layer_norm"]},
        own,
    )
    weights = policy.actor.weights.astype(np.float32)
    layout = RecordLayout(about.sizes[0], about.sizes[-1])
    none = np.zeros((0, layout.width), dtype=np.float32)
    warm = WarmStart(weights, weights, None, (0.0, 0.0), none)
    how = (
        f"its critic begins anew, and learns alone for {learner.critic_first} updates"
        if learner.critic_first
        else "its critic begins anew"
    )
    return _earlier(path, warm, theirs, f"the policy {path}; {how}", about)


def _of_run(path: Path, config: Config, about: PolicyAbout) -> Earlier:
    generation, refusals = _newest(path)
    layout = RecordLayout(about.sizes[0], about.sizes[-1])
    try:
        document, arrays = _networks_of(generation)
        networks = dict(document["networks"])
        _require_same(path, _named(networks), _named(network_settings(config.learner, layout)))
        found = generation.document
        theirs = {**found["about"], "steps": found["step"], "updates": found["updates"]}
        capacity = int(theirs["config"]["learner.replay_capacity"])
        seen, mean, variance = int(document["observations"]), arrays["mean"], arrays["variance"]
        critics = Critics(arrays["critics"], arrays["target_critics"], seen, mean, variance)
        values = _values(document, theirs["config"])
        actors = arrays["actor"], arrays["target_actor"]
    except (KeyError, TypeError, OSError):
        raise CheckpointError(f"the checkpoint {generation.path} lacks a part.") from None
    except ValueError as error:
        raise CheckpointError(f"the checkpoint {generation.path} {error}.") from None
    records = np.zeros((0, layout.width), dtype=np.float32)
    share = config.learner.earlier_share
    if share > 0.0:
        _require_same_rewards(path, theirs, about)
        records = stored_records(generation, path, capacity, layout.width).records
        records = records[-config.learner.replay_capacity :]
    how = "without its transitions"
    if len(records):
        how = (
            f"and its last {len(records)} transitions: {share:.0%} of a minibatch at first, none "
            f"after {config.learner.earlier_updates} updates"
        )
    what = f"the networks of {path} at step {theirs['steps']}, {how}"
    earlier = _earlier(path, WarmStart(*actors, critics, values, records), theirs, what, about)
    older = [f"{refusal} The one before is taken." for refusal in refusals]
    return earlier._replace(sentences=older + earlier.sentences)


def _networks_of(generation: Generation) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return document and arrays of the learner's file.

    Raises:
        ValueError: it is of another version, or no learner's; the message continues a sentence.
    """
    path = generation.path / LEARNER
    document, arrays = read_sealed(path, KIND, path.stat().st_size)
    require_version(document, SCHEMA_VERSION)
    require_finite(arrays)
    return document, arrays


def _values(document: dict[str, Any], settings: dict[str, Any]) -> tuple[float, float]:
    """Return the smallest and largest value that a learner's rewards allow."""
    limits = ValueLimits(float(settings["learner.discount"]), int(settings["learner.n_step"]))
    limits.rewards = float(document["smallest_reward"]), float(document["largest_reward"])
    return limits.range


def _newest(path: Path) -> tuple[Generation, list[str]]:
    """Return a run's newest checkpoint that verifies, and why newer ones do not."""
    if not is_regular(path / CONFIG):
        raise ConfigError(
            f"{_SETTING} is {path}, a folder without a {CONFIG}; expected the directory of a "
            "training, or a policy file."
        )
    generation, refusals = newest_generation(path / CHECKPOINTS, path, check_document)
    if generation is not None:
        return generation, refusals
    why = (
        f"none of its checkpoints can be used: {' '.join(refusals)}"
        if refusals
        else "it holds no checkpoint, which the end of its first episode leaves."
    )
    raise CheckpointError(
        f"no training can begin with the run {path}: {why} Its policy file, if it has one, holds "
        "the actor alone."
    )


def _earlier(
    path: Path, warm: WarmStart, theirs: dict[str, Any], what: str, about: PolicyAbout
) -> Earlier:
    kept = {"source": str(path), "steps": theirs["steps"], "updates": theirs["updates"]}
    sentences = [f"beginning with {what}.", *_differences(theirs, asdict(about))]
    return Earlier(KeptWarmStart(warm, kept), sentences)


def _named(networks: dict[str, Any]) -> dict[str, Any]:
    """Return what identifies networks, under the names by which a user knows them."""
    sizes = {"observation": "the observation's size", "action": "the action's size"}
    return {sizes.get(name, f"learner.{name}"): value for name, value in networks.items()}


def _require_same(path: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    differing = [
        f"{name} {shortened(repr(theirs.get(name)))}, and here it is {shortened(repr(value))}"
        for name, value in ours.items()
        if theirs.get(name) != value
    ]
    if differing:
        raise ConfigError(
            f"{_SETTING}: {path} has {few_of(differing, 200)}; expected the same networks, "
            "observations and joints. Set that to the earlier training's, or train from nothing."
        )


def _require_same_rewards(path: Path, theirs: dict[str, Any], about: PolicyAbout) -> None:
    """Check that the rewards in the earlier replay buffer mean what they mean here."""
    named: dict[str, tuple[Any, Any]] = {"task.name": (theirs["task"], about.task)}
    named |= {name: (theirs["config"].get(name), about.config[name]) for name in _OF_REWARDS}
    differing = [
        f"{name} {earlier!r}, and here it is {own!r}"
        for name, (earlier, own) in named.items()
        if earlier != own
    ]
    if differing:
        raise ConfigError(
            f"{_SETTING}: {path} was trained with {few_of(differing, 200)}; the rewards in its "
            f"replay buffer would mean something else. Set that to the earlier training's, or "
            f"{_ALONE}."
        )


def _differences(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each thing that differs, and may."""
    if theirs["task"] != ours["task"]:
        yield (
            f"its task was {theirs['task']} and this is {ours['task']}: the observations have to "
            "mean the same."
        )
    if theirs["joints"] != ours["joints"]:
        joints = _list(theirs["joints"]) or "none"
        yield f"its joints were {joints}, and here they are {_list(ours['joints']) or 'none'}."
    elif theirs["urdf_sha256"] != ours["urdf_sha256"]:
        yield "its arm had another URDF."
    limits = theirs["torque_limit"], ours["torque_limit"]
    if all(limits) and limits[0] != limits[1]:
        yield (
            f"its torque limits were {_list(limits[0])} N·m and here they are "
            f"{_list(limits[1])} N·m: the same action is another torque."
        )
    bounds = ("action_low", "action_high")
    if any(list(theirs.get(name, [])) != ours[name] for name in bounds):
        yield "its environment had other bounds of the action."
    if theirs["control_period"] != ours["control_period"] and ours["joints"]:
        yield (
            f"its control period was {theirs['control_period']:g} s, and here it is "
            f"{ours['control_period']:g} s."
        )
    earlier, own = theirs["config"], ours["config"]
    others = [
        f"{name} {shortened(repr(earlier.get(name)))}, here {shortened(repr(own[name]))}"
        for name in sorted(own)
        if name.startswith(("task.", "robot.")) and name not in _TOLD_APART
        if name in earlier and earlier[name] != own[name]
    ]
    if others and ours["joints"]:
        yield f"its settings were {few_of(others, 100)}."


def _list(values: list[Any]) -> str:
    return few_of([f"{value:g}" if isinstance(value, float) else str(value) for value in values])
