"""`python -m benchmarks latency`: what the numbers mean, and a short run of the real thing."""

import io
import math
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.speed.latency import percentile, ratios, row, table, until_answered
from benchmarks.speed.latency_picture import draw_latency
from ddpg_ros.cli.main import run
from test.conftest import wait_until

INF = math.inf


def test_a_percentile_is_one_of_the_latencies_and_not_exceeded_by_that_share():
    latency = np.array([5.0, 1.0, 3.0, 2.0, 4.0])
    assert percentile(latency, 50.0) == 3.0
    assert percentile(latency, 60.0) == 3.0
    assert percentile(latency, 61.0) == 4.0
    assert percentile(latency, 100.0) == 5.0
    assert percentile(np.array([1.0, INF]), 100.0) == INF


def test_a_state_without_an_answer_waits_for_that_to_the_next_one():
    # Sent at 0, 0.1, 0.2, 0.3 s; the third is answered at 0.25 s, the others never.
    waited = until_answered(np.array([INF, INF, 0.05, INF]), rate=10)
    assert waited[:3] == pytest.approx([0.25, 0.15, 0.05])
    assert waited[3] == INF


def test_an_answer_that_comes_out_of_turn_keeps_its_own_latency():
    assert until_answered(np.array([0.3, 0.05]), rate=10).tolist() == [0.3, 0.05]


def test_a_row_counts_missing_answers_and_holds_the_tail():
    rounds = [np.array([1.0, 2.0, INF, 4.0]), np.array([3.0, INF])]
    told = row("echo", 1, rounds)
    assert (told["states"], told["missing"]) == (6, 2)
    assert told["worst"] is None  # the last state of the second round was never answered
    assert told["p50"] == 3.0
    assert len(told["rounds"]) == 2
    curve = told["curve"]
    assert curve["share"][0] == 1.0 and curve["latency"][0] == 1.0
    assert curve["share"][-1] == pytest.approx(1 / 6) and curve["latency"][-1] is None


def test_ratios_are_the_medians_of_the_rounds():
    taken = {
        ("echo", 1): [np.full(3, 1.0), np.full(3, 2.0), np.full(3, 4.0)],
        ("learner off", 1): [np.full(3, 2.0), np.full(3, 3.0), np.full(3, 4.0)],
        ("learner flat out", 1): [np.full(3, 2.0), np.full(3, 6.0), np.full(3, 8.0)],
    }
    told = ratios(1, taken)
    assert told["p50 off / echo"] == 1.5
    assert told["p99 flat out / off"] == 2.0


def test_the_table_is_in_milliseconds_and_says_so():
    taken = {(who, 1): [np.full(3, 0.002)] for who in ("echo", "learner off", "learner flat out")}
    rows = [row(who, rate, rounds) for (who, rate), rounds in taken.items()]
    console = Console(width=80, file=io.StringIO())
    console.print(table(rows, [{"rate": 1, **ratios(1, taken)}]))
    text = console.file.getvalue()
    assert "state to torque [ms]" in text and "rate [Hz]" in text
    assert text.count("2.000") == 3 * 4  # p50, p99, p99.9 and worst of each


def test_the_picture_is_drawn_also_where_answers_are_missing(tmp_path):
    rows = [row(who, 100, [np.array([1e-3, 2e-3, INF])]) for who in ("echo", "learner off")]
    draw_latency(rows, tmp_path / "latency.png")
    assert (tmp_path / "latency.png").stat().st_size > 5000


def test_rates_that_are_none_are_refused():
    result = CliRunner().invoke(app, ["latency", "--rates", "100,fast"])
    assert "--rates is 100,fast" in str(result.exception)


@pytest.mark.slow
@pytest.mark.timing
@pytest.mark.ros
@pytest.mark.parametrize("who", ["echo", "learner off", "learner flat out"])
def test_each_contender_answers_nearly_every_state_of_the_metronome(who, ros_domain):
    pytest.importorskip("rclpy")
    from benchmarks.speed.latency_runs import Segment, measure

    latency = measure(Segment(who, 50, 1.0))
    assert latency.shape == (50,)
    assert (latency > 0).all()
    assert np.isfinite(latency).sum() >= 40


@pytest.mark.slow
@pytest.mark.ros
def test_the_parts_of_a_tick_are_told_as_json(ros_domain):
    pytest.importorskip("rclpy")
    from benchmarks.speed.latency import measure_parts

    parts = measure_parts()
    named = {"receive", "map", "observe", "act", "guard", "write", "publish", "tick"}
    assert named <= set(parts)
    assert all(value > 0 for value in parts.values())


def start_metronome(file):
    """Start one at 50 Hz, whose one joint stands at 0.5 rad; 50 states count."""
    command = [sys.executable, "-m", "benchmarks.nodes.metronome", "--ros-args"]
    for told in (
        "rate:=50.0",
        "seconds:=1.0",
        "settle:=0.1",
        "joints:=[a]",
        "centre:=[0.5]",
        f"file:={file}",
    ):
        command += ["-p", told]
    return subprocess.Popen(command)


@pytest.mark.slow
@pytest.mark.timing
@pytest.mark.ros
def test_the_metronome_stands_still_until_the_first_torque_and_takes_zeros_for_no_answer(
    ros_domain, tmp_path
):
    rclpy = pytest.importorskip("rclpy")
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import JointState

    zeros, seen, deep = 20, [], QoSProfile(depth=100)

    def answer(state):
        torque = 0.0 if len(seen) < zeros or len(seen) % 2 else 0.5
        seen.append(state.position[0])
        commands.publish(JointState(header=state.header, name=["a"], effort=[torque]))

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    node = rclpy.create_node("arm", context=context)
    commands = node.create_publisher(JointState, "joint_command", deep)
    node.create_subscription(JointState, "joint_states", answer, deep)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    with start_metronome(tmp_path / "x.npy") as metronome:
        wait_until(
            lambda: metronome.poll() is not None,
            30.0,
            "the end",
            lambda: executor.spin_once(timeout_sec=0.02),
        )
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown(context=context)
    assert seen[:zeros] == [0.5] * zeros
    assert 0.7 < max(seen) <= 0.8 and min(seen) == 0.5  # it swings by 0.3 rad
    answered = np.isfinite(np.load(tmp_path / "x.npy"))
    assert 20 <= answered.sum() <= 26  # every second one has a torque


@pytest.mark.slow
@pytest.mark.ros
def test_a_metronome_that_nobody_answers_ends_at_a_signal(ros_domain, tmp_path):
    pytest.importorskip("rclpy")
    from sensor_msgs.msg import JointState

    from test.ros.onlooker import Onlooker

    onlooker, seen = Onlooker(ros_domain), []
    onlooker.node.create_subscription(JointState, "joint_states", seen.append, 10)
    with start_metronome(tmp_path / "x.npy") as metronome:
        onlooker.until(lambda: len(seen) > 100, "twice the states that would count")
        metronome.terminate()
        assert metronome.wait(10.0) == 0
    onlooker.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["lockstep", "latency"])
def test_every_benchmark_that_starts_ros_refuses_a_bad_domain(name, monkeypatch, capsys):
    monkeypatch.setenv("ROS_DOMAIN_ID", "300")
    monkeypatch.setattr(sys, "argv", ["benchmarks", name])
    with pytest.raises(SystemExit) as end:
        run(app, "benchmarks")
    assert end.value.code == 2
    assert capsys.readouterr().err == ("benchmarks: ROS_DOMAIN_ID is 300; expected 0 to 232.\n")
