"""`ddpg-ros train`: trains over ROS topics, or in a Gymnasium environment."""

import json
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.cli.place import require_ros_domain, take_training_lock
from ddpg_ros.cli.plan import SIMULATED, absolute_namespace, load_arm_config, training_plan
from ddpg_ros.cli.preflight import (
    require_display,
    require_environment,
    require_learner_machine,
)
from ddpg_ros.cli.progress import RunProgress
from ddpg_ros.cli.recording_size import recording_bytes
from ddpg_ros.cli.report import report
from ddpg_ros.cli.resume import ResumedRun, environment_of, resume_run
from ddpg_ros.cli.supervise import Outcome, Supervisor
from ddpg_ros.config.parameter_file import load_config, own_configs, read_assignments
from ddpg_ros.config.run_directory import (
    POLICY,
    ROLLOUT,
    STATUS,
    SUMMARY,
    Run,
    hold_run,
    prepare_run,
)
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import EXIT_CODE, ConfigError
from ddpg_ros.extras import require
from ddpg_ros.files.last_resort import LAST_TRIES, require_whole
from ddpg_ros.files.unused import remove_unused
from ddpg_ros.robot.arm import Robot
from ddpg_ros.training.earlier import Earlier, earlier_of, keep_earlier
from ddpg_ros.training.memory_check import available_memory, require_disk, require_room
from ddpg_ros.training.recorded import Recorded, experience_of, keep_recorded
from ddpg_ros.training.summary import Summary
from sim.description import describe
from sim.push import Push


def train(
    config: Annotated[
        str,
        typer.Option(
            help=f"A YAML file, or one of ours: {', '.join(own_configs())}; default: reach, "
            "with --gym: gym."
        ),
    ] = "",
    steps: Annotated[int | None, typer.Option(help="Control steps to train for.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seeds every generator.")] = None,
    run_dir: Annotated[
        Path | None, typer.Option(help="Run directory; default: runs/TASK-DATE-TIME.")
    ] = None,
    clock: Annotated[
        Literal["lockstep", "realtime"] | None,
        typer.Option(help="Simulated time that waits for commands, or the wall clock."),
    ] = None,
    eval_episodes: Annotated[
        int | None, typer.Option(help="Greedy episodes after the training.")
    ] = None,
    from_bag: Annotated[
        list[Path] | None,
        typer.Option(
            "--from-bag", metavar="FILE", help="Fill the replay from this recording first; repeat."
        ),
    ] = None,
    init_from: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN|POLICY", help="Begin with the networks of a run or of a policy file."
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option(help="Learn from --from-bag alone: --steps updates, then evaluate.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Go on with the run of this directory."),
    ] = None,
    gym: Annotated[
        str, typer.Option(metavar="ENV_ID", help="Train on this Gymnasium environment, no ROS.")
    ] = "",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting: learner.n_step=3; repeat."),
    ] = None,
    namespace: Annotated[str, typer.Option(help="Namespace of the nodes.")] = "",
    gui: Annotated[bool, typer.Option(help="Show PyBullet's window.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Train a policy, evaluate it greedily and leave everything in a run directory."""
    console = Console(stderr=as_json)
    assigned = read_assignments(changes or [])
    options = {
        "run.steps": ("--steps", steps),
        "run.seed": ("--seed", seed),
        "run.clock": ("--clock", clock),
        "run.eval_episodes": ("--eval-episodes", eval_episodes),
        "run.directory": ("--run-dir", None if run_dir is None else str(run_dir)),
        "run.recordings": ("--from-bag", [str(bag.resolve()) for bag in from_bag or []] or None),
        "run.init_from": ("--init-from", init_from and str(init_from.expanduser().absolute())),
        "run.offline": ("--offline", offline or None),
    }
    given = joined(assigned, options)
    with ExitStack() as held:
        resumed = None
        if resume is not None:
            apart = {"--config": config, "--run-dir": run_dir, "--init-from": init_from}
            gym = _environment(resume, gym, apart)
        ros_only = {"--namespace": namespace, "--gui": gui, "--clock": clock}
        ros_only |= {"--from-bag": bool(from_bag), "--offline": offline}
        _refuse_ros_options(gym, ros_only)
        if gui:
            require_display()
        if resume is not None:
            resumed = resume_checked(resume, given, gym, namespace, held)
            run = resumed.run
            console.print(resumed.sentence, highlight=False, markup=False, soft_wrap=True)
        else:
            settings = _settings(config, gym, namespace, given)
            run = prepare(settings, run_dir, gym, namespace, held, console)
            held.callback(remove_unused, run.directory)  # Ctrl-C, before anything was learnt
            shown = _shown(run.directory)
            console.print(f"run directory: {shown}", highlight=False, soft_wrap=True)
        if gym:
            held.enter_context(hold_run(run.directory))
            outcome = _train_gym(gym, run, console)
        else:
            print_arm(run.config, console)
            outcome = train_over_topics(run, namespace, gui, console, resumed)
    if outcome.kind == "failed":
        console.print(outcome.message, highlight=False, markup=False, style="red")
        log = _shown(run.directory / "log")
        console.print(f"the nodes' logs: {log}", highlight=False, soft_wrap=True)
        raise typer.Exit(outcome.code)
    if outcome.kind == "finished":
        report(run.directory, console)
    _close(run, outcome, console, as_json, bool(gym))
    raise typer.Exit(outcome.code)


def _refuse_ros_options(gym: str, options: dict[str, Any]) -> None:
    if gym and any(options.values()):
        given = ", ".join(name for name, value in options.items() if value)
        raise ConfigError(f"{given} goes with ROS; leave it out with --gym.")
    if not gym:
        require("rclpy", "pybullet")


def _settings(name: str, gym: str, namespace: str, given: dict[str, Any]) -> Config:
    """Return the settings of a new run."""
    loaded = load_config(name or "gym") if gym else load_arm_config(name or "reach", namespace)
    settings = in_new_directory(loaded, name).with_parameters(given, source="the command line")
    if settings.run.resume:
        raise ConfigError("run.resume is for the nodes; give the run as --resume RUN.")
    return settings


def _environment(run: Path, gym: str, others: dict[str, Any]) -> str:
    """Return the Gymnasium environment of a run that is to go on; empty for an arm."""
    given = [name for name, value in others.items() if value]
    if given:
        raise ConfigError(
            f"--resume and {', '.join(given)} exclude each other: a run goes on as it began, in "
            "its own directory."
        )
    own = environment_of(run)
    if gym and gym != own:
        what = f"the environment {own}" if own else "an arm, without --gym"
        raise ConfigError(f"the run {run} is of {what}, and --gym names {gym}; leave it out.")
    return own


def resume_checked(
    directory: Path, given: dict[str, Any], gym: str, namespace: str, held: ExitStack
) -> ResumedRun:
    """Check everything that can fail, then write the settings of the run if they have changed."""
    resumed = resume_run(directory, given, gym, {} if gym else dict(SIMULATED))
    settings = resumed.run.config
    if gym:
        require_environment(gym, settings)
    else:
        prepare_arm(settings, namespace, held)
    (resumed.run.directory / STATUS).unlink(missing_ok=True)  # of the earlier process
    return resumed


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
    gym: str,
    namespace: str,
    held: ExitStack,
    console: Console,
) -> Run:
    """Check everything that can fail, then make the run directory.

    Args:
        settings: of the run.
        run_dir: the run directory; None makes a new one.
        gym: id of the Gymnasium environment; empty for an arm.
        namespace: of the nodes.
        held: receives the training lock, to be held until the nodes have ended.
        console: says what recordings and an earlier training hold, if there are any.
    """
    if settings.run.policy:
        raise ConfigError(
            f"run.policy is {settings.run.policy!r}, a policy to run without learning; leave it "
            "out to train, or run it with ddpg-ros eval --policy FILE."
        )
    if gym:
        if settings.run.recordings:
            raise ConfigError(
                "run.recordings goes with an arm, whose topics were recorded; leave it out with "
                "--gym."
            )
        about = require_environment(gym, settings, run_dir)
        earlier = _read_earlier(settings, about, run_dir, console)
        run = prepare_run(settings, run_dir, name=about.task.rpartition("/")[2])
        keep_earlier(earlier, run.directory)
        return run
    about = prepare_arm(settings, namespace, held, run_dir)
    earlier = _read_earlier(settings, about, run_dir, console)
    recorded = read_recorded(settings, console)
    if recorded is not None:
        kept = recording_bytes(settings, about.sizes[-1]) + recorded.records.nbytes
        require_disk(settings, about.sizes, run_dir, kept, 0 if earlier is None else earlier.bytes)
    run = prepare_run(settings, run_dir)
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
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    return earlier


def read_recorded(settings: Config, console: Console) -> Recorded | None:
    """Read the recordings of `run.recordings`, if there are any, and print what they hold.

    Raises:
        RecordingError: one of them cannot be used.
    """
    if not settings.run.recordings:
        return None
    paths = [Path(name) for name in settings.run.recordings]
    with console.status("reading the recordings") as status:
        recorded = experience_of(settings, paths, lambda path: status.update(f"reading {path}"))
    for sentence in recorded.sentences:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
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
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def train_over_topics(
    run: Run, namespace: str, gui: bool, console: Console, resumed: ResumedRun | None = None
) -> Outcome:
    """Run the simulator and the agent of a prepared run, until it ends."""
    recording = run.config.recording
    plan = training_plan(
        run.config_file,
        run.directory,
        namespace=namespace,
        gui=gui,
        recording=recording,
        resumed=resumed,
    )
    section = run.config.run
    # The supervisor must fork before the progress bar starts its thread.
    with (
        Supervisor(plan) as supervisor,
        RunProgress(run.directory, section.steps, section.eval_episodes, console),
    ):
        outcome = supervisor.wait()
        if outcome.kind == "interrupted":
            console.print("stopping: zero torque, learner, files …")
    return outcome


def _train_gym(gym: str, run: Run, console: Console) -> Outcome:
    from ddpg_ros.training.gymnasium_session import train_on_gymnasium

    section = run.config.run
    with RunProgress(run.directory, section.steps, section.eval_episodes, console):
        summary, number, failure, complaints = train_on_gymnasium(gym, run.config, run.directory)
    saved = summary.save(run.directory, 0.0 if number else LAST_TRIES)
    require_whole([*complaints, saved])
    if failure:
        return Outcome("interrupted", EXIT_CODE, failure)
    if number:
        message = f"stopped by {signal.Signals(number).name}."
        return Outcome("interrupted", 128 + number, message)
    return Outcome("finished", 0)


def _close(run: Run, outcome: Outcome, console: Console, as_json: bool, gym: bool) -> None:
    """Print the summary, where the results are and what to do next."""
    file = run.directory / SUMMARY
    if not file.exists():
        console.print(f"{outcome.message} The training had not started; nothing was learnt.")
        return
    summary = json.loads(file.read_text(encoding="utf-8"))
    if as_json:
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    console.print(Summary(**summary).sentence(), highlight=False, soft_wrap=True)
    policy = run.directory / POLICY
    if outcome.kind == "interrupted":
        console = Console(stderr=as_json or outcome.code == EXIT_CODE)
        results = "Policy and summary are" if policy.exists() else "No policy yet; the summary is"
        line = f"{outcome.message} {results} in {_shown(run.directory)}."
        console.print(line, highlight=False, soft_wrap=True)
    elif gym:
        console.print(
            f"next: {_program()} eval --policy {_shown(policy)}", highlight=False, soft_wrap=True
        )
    else:
        console.print(
            f"look at {_shown(run.directory / ROLLOUT)}; next: "
            f"{_program()} play --policy {_shown(policy)} --gui",
            highlight=False,
            soft_wrap=True,
        )


def _program() -> str:
    """Return the command that calls this command line from the current directory."""
    own = Path(sys.executable).with_name("ddpg-ros")
    return "ddpg-ros" if shutil.which("ddpg-ros") or not own.exists() else _shown(own)


def _shown(path: Path) -> str:
    """Return a path, relative to the current directory if it is inside."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
