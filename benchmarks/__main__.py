"""How fast this machine runs ddpg_ros, each figure beside its limit: `python -m benchmarks`."""

import typer

from benchmarks.speed.checkpoint import bench_checkpoint
from benchmarks.speed.latency import bench_latency
from benchmarks.speed.learner import bench_learner
from benchmarks.speed.lockstep import bench_lockstep
from benchmarks.speed.recording import bench_recording
from ddpg_ros.cli.main import run

app = typer.Typer(name="benchmarks", help=__doc__, no_args_is_help=True, add_completion=False)
app.command("checkpoint")(bench_checkpoint)
app.command("lockstep")(bench_lockstep)
app.command("learner")(bench_learner)
app.command("latency")(bench_latency)
app.command("recording")(bench_recording)

if __name__ == "__main__":
    run(app, "benchmarks")
