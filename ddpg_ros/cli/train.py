"""`ddpg-ros train`: trains over ROS topics, or in a Gymnasium environment."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from ddpg_ros.cli.closing import close, going_on, program, shown
from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.plan import SIMULATED, load_arm_config
from ddpg_ros.cli.preflight import require_display
from ddpg_ros.cli.prepare import (
    in_new_directory,
    joined,
    prepare,
    prepare_resumed,
    print_arm,
)
from ddpg_ros.cli.report import report
from ddpg_ros.cli.resume import resume_run
from ddpg_ros.cli.running import train_over_topics, train_without_ros
from ddpg_ros.config.parameter_file import load_config, own_configs, read_assignments
from ddpg_ros.config.run_directory import Run
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError
from ddpg_ros.extras import require
from ddpg_ros.files.kinds import at_home
from ddpg_ros.files.unused import LOG, remove_unused


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
    console = plain_console(stderr=as_json)
    assigned = read_assignments(changes or [])
    options = {
        "run.steps": ("--steps", steps),
        "run.seed": ("--seed", seed),
        "run.clock": ("--clock", clock),
        "run.eval_episodes": ("--eval-episodes", eval_episodes),
        "run.directory": ("--run-dir", None if run_dir is None else str(run_dir)),
        "run.recordings": ("--from-bag", [str(bag.resolve()) for bag in from_bag or []] or None),
        "run.init_from": ("--init-from", init_from and str(at_home(init_from).absolute())),
        "run.offline": ("--offline", offline or None),
    }
    given = joined(assigned, options)
    with ExitStack() as held:
        resumed = None
        if resume is not None:
            _refuse_beside_resume(
                {"--config": config, "--run-dir": run_dir, "--init-from": init_from}
            )
            resumed = resume_run(resume, given, held, gym, dict(SIMULATED))
            gym = resumed.environment
        ros_only = {"--namespace": namespace, "--gui": gui, "--clock": clock}
        ros_only |= {"--from-bag": bool(from_bag), "--offline": offline}
        _refuse_ros_options(gym, ros_only)
        if gui:
            require_display()
        if resumed is not None:
            prepare_resumed(resumed, namespace, held)
            run = resumed.run
            for line in resumed.sentences:
                console.print(line, highlight=False, soft_wrap=True)
        else:
            settings = _settings(config, gym, namespace, given)
            run = prepare(settings, run_dir, gym, namespace, held, console)
            held.callback(remove_unused, run.directory)  # Ctrl-C, before anything was learnt
            console.print(
                f"run directory: {shown(run.directory)}", highlight=False, soft_wrap=True
            )
        if gym:
            outcome = train_without_ros(gym, run, console)
        else:
            print_arm(run.config, console)
            outcome = train_over_topics(run, namespace, gui, console, resumed)
        if outcome.kind == "interrupted":
            remove_unused(run.directory, LOG)
    if outcome.kind == "failed":
        console.print(outcome.message, highlight=False, style="red")
        line = f"the nodes' logs: {shown(run.directory / 'log')}.{going_on(run.directory)}"
        console.print(line, highlight=False, soft_wrap=True)
        raise typer.Exit(outcome.code)
    if outcome.kind == "finished":
        _draw(run, console)
    close(run, outcome, console, as_json, bool(gym))
    raise typer.Exit(outcome.code)


def _draw(run: Run, console: Console) -> None:
    """Draw the pictures; if that ends early, say that all else is there, and how to draw them."""
    try:
        report(run.directory, console)
    except typer.Exit:
        place = shown(run.directory)
        line = f"The training is done, and its policy in {place}. Draw its pictures: "
        console.print(f"{line}{program()} report {place}", highlight=False, soft_wrap=True)
        raise


def _refuse_ros_options(gym: str, options: dict[str, Any]) -> None:
    if gym and any(options.values()):
        given = ", ".join(name for name, value in options.items() if value)
        raise ConfigError(f"{given} goes with ROS; leave it out with --gym.")
    if not gym:
        require("rclpy", "pybullet")


def _settings(name: str, gym: str, namespace: str, given: dict[str, Any]) -> Config:
    """Return the settings of a new run."""
    loaded = load_config(name or "gym") if gym else load_arm_config(name or "reach", namespace)
    return in_new_directory(loaded, name).with_parameters(given, source="the command line")


def _refuse_beside_resume(others: dict[str, Any]) -> None:
    given = [name for name, value in others.items() if value]
    if given:
        raise ConfigError(
            f"--resume and {', '.join(given)} exclude each other: a run goes on as it began, in "
            "its own directory."
        )
