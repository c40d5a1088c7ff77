"""What a training needs before it begins: all that can fail is checked, then it is written."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.cli.place import take_training_lock
from ddpg_ros.cli.plan import absolute_namespace
from ddpg_ros.cli.preflight import require_environment, require_learner_machine
from ddpg_ros.cli.recording_size import recording_bytes
from ddpg_ros.cli.resume import ResumedRun
from ddpg_ros.config.run_directory import Run, prepare_run
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.ros_domain import require_ros_domain
from ddpg_ros.training.earlier import Earlier, earlier_of, keep_earlier
from ddpg_ros.training.memory_check import available_memory, require_disk, require_room
from ddpg_ros.training.recorded import Recorded, experience_of, keep_recorded
from sim.description import describe
from sim.push import Push

if TYPE_CHECKING:
    import gymnasium


def in_new_directory(config: Config, file: str) -> Config:
    """Return a configuration that leaves the run alone to which its file belongs."""
    if file and Path(file).resolve().parent == Path(config.run.directory):
        return config.with_parameters({"run.directory": ""})
    return config


def joined(assigned: dict[str, Any], options: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """Merge `--set` and the options; refuse a setting to which both give different values."""
    given = {name: value for name, (_, value) in options.items() if value is not None}
    for name, value in given.items():
        if assigned.get(name, value) != value:
            raise ConfigError(
                f"{options[name][0]} gives {name} as {value!r} and --set as {assigned[name]!r}; "
                "leave one out."
            )
    return assigned | given


def prepare(
    settings: Config,
    run_dir: Path | None,
    gym: "str | gymnasium.Env[Any, Any]",
    namespace: str,
    held: ExitStack,
    console: Console,
) -> Run:
    """Check everything that can fail, then make the run directory.

    Args:
        settings: of the run.
        run_dir: the run directory; None makes a new one.
        gym: the Gymnasium environment or its id; empty for an arm.
        namespace: of the nodes.
        held: takes what is to be held until the training has ended: the lock of the run directory
            and, for an arm, this host's place for a training.
        console: says what recordings and an earlier training hold, if there are any.
    """
    if settings.run.policy:
        raise ConfigError(
            f"run.policy is {settings.run.policy!r}, a policy to run without learning; leave it "
            "out to train, or run it with ddpg-ros eval --policy FILE."
        )
    if settings.run.resume:
        raise ConfigError(
            "run.resume is for the nodes; give the run as --resume RUN, from Python as resume=RUN."
        )
    if gym != "":
        if settings.run.recordings:
            raise ConfigError(
                "run.recordings goes with an arm, whose topics were recorded; leave it out with "
                "--gym."
            )
        about = require_environment(gym, settings, run_dir)
        earlier = _read_earlier(settings, about, run_dir, console)
        run = prepare_run(settings, run_dir, name=about.task.rpartition("/")[2], held=held)
        keep_earlier(earlier, run.directory)
        return run
    about = prepare_arm(settings, namespace, held, run_dir)
    earlier = _read_earlier(settings, about, run_dir, console)
    recorded = read_recorded(settings, console)
    if recorded is not None:
        kept = recording_bytes(settings, about.sizes[-1]) + recorded.records.nbytes
        require_disk(settings, about.sizes, run_dir, kept, 0 if earlier is None else earlier.bytes)
    run = prepare_run(settings, run_dir, held=held)
    keep_earlier(earlier, run.directory)
    if recorded is not None:
        keep_recorded(recorded, run.config, run.directory)
    return run


def _read_earlier(
    settings: Config, about: PolicyAbout, run_dir: Path | None, console: Console
) -> Earlier | None:
    """Read what `run.init_from` names, if it names anything, and print what it is."""
    earlier = earlier_of(settings, about, run_dir)
    for sentence in () if earlier is None else earlier.sentences:
        console.print(sentence, highlight=False, soft_wrap=True)
    return earlier


def prepare_resumed(
    resumed: ResumedRun,
    namespace: str,
    held: ExitStack,
    what: "str | gymnasium.Env[Any, Any]" = "",
) -> None:
    """Check everything else that can fail; then write what is new of a run that goes on.

    Args:
        resumed: the run.
        namespace: of the nodes.
        held: takes this host's place for the training of an arm.
        what: the Gymnasium environment; empty: by the id that the run has.
    """
    settings = resumed.run.config
    if resumed.environment:
        require_environment(what or resumed.environment, settings)
    else:
        prepare_arm(settings, namespace, held)
    resumed.begin()


def read_recorded(settings: Config, console: Console) -> Recorded | None:
    """Read the recordings of `run.recordings`, if there are any, and print what they hold.

    Raises:
        RecordingError: one of them cannot be used.
    """
    if not settings.run.recordings:
        return None
    paths = [Path(name) for name in settings.run.recordings]
    with console.status("reading the recordings") as status:
        recorded = experience_of(
            settings, paths, lambda path: status.update(Text(f"reading {path}"))
        )
    for sentence in recorded.sentences:
        console.print(sentence, highlight=False, soft_wrap=True)
    return recorded


def prepare_arm(
    settings: Config, namespace: str, held: ExitStack, run_dir: Path | None = None
) -> PolicyAbout:
    """Refuse an arm, learner, machine or ROS domain with which no training can begin.

    `held` takes this host's place for the training, until its nodes have ended.

    Returns:
        What the policy is for.
    """
    require_ros_domain()
    robot, task, _ = build_arm(settings)
    Push(robot, settings.sim)  # refuses pushes that do not fit the arm
    require_learner_machine(settings.learner)
    about = policy_about(settings, robot, task)
    sizes = about.sizes
    require_room(settings.learner, sizes, available_memory())
    require_disk(settings, sizes, run_dir, recording_bytes(settings, sizes[-1]))
    held.enter_context(take_training_lock(absolute_namespace(namespace)))
    return about


def notes_on(config: Config) -> list[str]:
    """Return which joints are held, and which meshes the simulator's pictures will lack."""
    arm = Robot.of(config)
    notes = list(describe(arm, config.sim.self_collision).notes)
    return ([arm.describe()] if arm.held else []) + notes


def print_arm(config: Config, console: Console) -> None:
    """Print what `notes_on` the arm says."""
    for line in notes_on(config):
        console.print(line, highlight=False, soft_wrap=True)
