"""What can be measured, one file each, put together."""

import typer

from ddpg_ros.cli.bench import __doc__ as about
from ddpg_ros.cli.bench.latency import bench_latency
from ddpg_ros.cli.bench.learner import bench_learner
from ddpg_ros.cli.bench.lockstep import bench_lockstep

bench = typer.Typer(help=about, no_args_is_help=True)
bench.command("lockstep")(bench_lockstep)
bench.command("learner")(bench_learner)
bench.command("latency")(bench_latency)
