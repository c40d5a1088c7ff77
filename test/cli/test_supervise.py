"""The supervisor against real, small processes: who is stopped when, and that none stays."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ddpg_ros.cli.supervise import Supervisor
from ddpg_ros.errors import MachineError

# Both write their number and, when they are told to stop, the time.
OBEDIENT = """
import os, signal, sys, time
def stop(*_):
    open(sys.argv[1] + ".stopped", "w").write(str(time.monotonic()))
    sys.exit(0)
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
open(sys.argv[1] + ".new", "w").write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(60)
"""
DEAF = OBEDIENT.replace("sys.exit(0)", "pass").replace(
    "time.sleep(60)", "\nwhile True: time.sleep(1)"
)


@dataclass(frozen=True)
class Program:
    """A Python program in place of a node."""

    name: str
    source: str
    argument: str = ""
    essential: bool = True

    def command(self) -> list[str]:
        """Return what runs it."""
        return [sys.executable, "-c", self.source, self.argument]


@dataclass(frozen=True)
class FakePlan:
    """A plan of such programs."""

    nodes: list[Program]
    log_dir: Path
    main: str = "agent"


def plan(folder: Path, agent: str, simulator: str = OBEDIENT) -> FakePlan:
    nodes = [
        Program("simulator", simulator, str(folder / "simulator")),
        Program("agent", agent, str(folder / "agent")),
    ]
    return FakePlan(nodes, folder / "log")


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def pid(folder: Path, name: str) -> int:
    assert eventually((folder / name).exists), f"{name} did not start"
    return int((folder / name).read_text())


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def stopped_at(folder: Path, name: str) -> float:
    return float((folder / f"{name}.stopped").read_text())


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an obedient process a stall of the machine before it is killed."""
    monkeypatch.setattr("ddpg_ros.cli.supervise.AGENT_GRACE_S", 30.0)
    monkeypatch.setattr("ddpg_ros.cli.supervise.OTHERS_GRACE_S", 30.0)


def test_the_run_ends_with_the_agent_and_the_simulator_is_told_to_stop(tmp_path: Path) -> None:
    with Supervisor(plan(tmp_path, "import time; time.sleep(0.3)")) as supervisor:
        simulator = pid(tmp_path, "simulator")
        outcome = supervisor.wait(timeout_s=10)
    assert outcome is not None
    assert (outcome.kind, outcome.code, outcome.message) == ("finished", 0, "")
    assert (tmp_path / "simulator.stopped").exists()
    assert not alive(simulator)


def test_poll_and_wait_say_nothing_while_the_run_goes_on(tmp_path: Path) -> None:
    with Supervisor(plan(tmp_path, OBEDIENT)) as supervisor:
        assert supervisor.poll() is None
        assert supervisor.wait(timeout_s=0.05) is None
        pid(tmp_path, "simulator"), pid(tmp_path, "agent")


@pytest.mark.parametrize(("number", "called"), [(signal.SIGSEGV, "SIGSEGV"), (35, "35")])
def test_a_node_that_a_signal_ends_is_reported_with_the_signal(
    tmp_path: Path, number: int, called: str
) -> None:
    ends = f"import os; os.kill(os.getpid(), {int(number)})"
    with Supervisor(plan(tmp_path, ends)) as supervisor:
        outcome = supervisor.wait(timeout_s=10)
    assert outcome is not None
    assert (outcome.kind, outcome.code) == ("failed", 1)
    assert outcome.message.startswith(f"the agent ended with signal {called}.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_agent_first_and_then_the_simulator(
    tmp_path: Path, number: signal.Signals, patient: None
) -> None:
    before = signal.getsignal(number)
    with Supervisor(plan(tmp_path, OBEDIENT)) as supervisor:
        numbers = [pid(tmp_path, name) for name in ("simulator", "agent")]
        os.kill(os.getpid(), number)
        outcome = supervisor.wait(timeout_s=10)
        asked = time.monotonic()
    took = time.monotonic() - asked
    assert outcome is not None
    assert (outcome.kind, outcome.code) == ("interrupted", 128 + number)
    assert stopped_at(tmp_path, "agent") < stopped_at(tmp_path, "simulator")
    assert took < 10.0  # they end at once, on an idle machine
    assert not any(map(alive, numbers))
    assert signal.getsignal(number) == before


def test_a_node_that_still_starts_ends_without_a_traceback_in_its_log(tmp_path: Path) -> None:
    """It has no handlers yet, as while it imports: Python's own would raise in SIGINT's."""
    starting = OBEDIENT.replace("signal.signal(", "str((").replace(", stop)", ", stop))")
    with Supervisor(plan(tmp_path, starting, starting)):
        numbers = [pid(tmp_path, name) for name in ("simulator", "agent")]
    assert not any(map(alive, numbers))
    for name in ("simulator", "agent"):
        assert (tmp_path / "log" / f"{name}.log").read_text() == ""


def test_processes_that_hear_nothing_are_killed(tmp_path: Path) -> None:
    with Supervisor(plan(tmp_path, DEAF, DEAF)) as supervisor:
        numbers = [pid(tmp_path, name) for name in ("simulator", "agent")]
        asked = time.monotonic()
        supervisor.stop()
        took = time.monotonic() - asked
    assert 3.0 <= took < 8.0  # 2 s for the agent, 1 s for the simulator
    assert not any(map(alive, numbers))


def test_a_signal_that_comes_twice_at_once_is_one_signal(tmp_path: Path, patient: None) -> None:
    with Supervisor(plan(tmp_path, OBEDIENT)) as supervisor:
        pid(tmp_path, "simulator"), pid(tmp_path, "agent")
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        supervisor.stop()
    assert stopped_at(tmp_path, "agent") < stopped_at(tmp_path, "simulator")


def test_a_third_signal_kills_at_once(tmp_path: Path) -> None:
    with Supervisor(plan(tmp_path, DEAF, DEAF)) as supervisor:
        numbers = [pid(tmp_path, name) for name in ("simulator", "agent")]
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.6)  # later than a repetition by make or timeout
        os.kill(os.getpid(), signal.SIGINT)
        asked = time.monotonic()
        supervisor.stop()
    assert time.monotonic() - asked < 2.5  # to wait for both would take 3 s
    assert not any(map(alive, numbers))


def test_children_that_outlive_their_node_are_killed(tmp_path: Path) -> None:
    orphan = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {DEAF!r}, sys.argv[1] + "_child"])
time.sleep(0.5)
"""
    with Supervisor(plan(tmp_path, orphan)) as supervisor:
        child = pid(tmp_path, "agent_child")
        outcome = supervisor.wait(timeout_s=10)
    assert outcome is not None and outcome.kind == "finished"
    assert eventually(lambda: not alive(child), seconds=1)


def test_an_exception_in_the_block_leaves_no_process(tmp_path: Path) -> None:
    numbers: list[int] = []
    with pytest.raises(ZeroDivisionError), Supervisor(plan(tmp_path, OBEDIENT)):
        numbers += [pid(tmp_path, name) for name in ("simulator", "agent")]
        _ = 1 / 0
    assert len(numbers) == 2
    assert not any(map(alive, numbers))


def test_an_agent_that_fails_passes_its_code_and_its_last_words_on(tmp_path: Path) -> None:
    failing = "import sys; print('the robot is silent', file=sys.stderr); sys.exit(2)"
    with Supervisor(plan(tmp_path, failing)) as supervisor:
        outcome = supervisor.wait(timeout_s=10)
    assert outcome is not None
    assert (outcome.kind, outcome.code) == ("failed", 2)
    assert "the agent ended with exit code 2" in outcome.message
    assert "the robot is silent" in outcome.message


def test_a_recorder_that_dies_ends_no_run(tmp_path: Path) -> None:
    whole = plan(tmp_path, OBEDIENT)
    recorder = Program("recorder", OBEDIENT, str(tmp_path / "recorder"), essential=False)
    with Supervisor(FakePlan([recorder, *whole.nodes], tmp_path)) as supervisor:
        pid(tmp_path, "agent")
        os.kill(pid(tmp_path, "recorder"), signal.SIGKILL)
        assert supervisor.wait(timeout_s=0.5) is None
        os.kill(pid(tmp_path, "simulator"), signal.SIGKILL)
        outcome = supervisor.wait(timeout_s=10)
        assert outcome is not None and outcome.message.startswith("the simulator ended")


def test_a_simulator_that_dies_ends_the_run_and_stops_the_agent(tmp_path: Path) -> None:
    with Supervisor(plan(tmp_path, OBEDIENT)) as supervisor:
        agent = pid(tmp_path, "agent")
        os.kill(pid(tmp_path, "simulator"), signal.SIGKILL)
        outcome = supervisor.wait(timeout_s=10)
    assert outcome is not None
    assert (outcome.kind, outcome.code) == ("failed", 1)
    assert "the simulator ended with signal SIGKILL while the agent still ran" in outcome.message
    assert (tmp_path / "agent.stopped").exists()
    assert not alive(agent)


def test_a_node_that_cannot_start_takes_the_started_ones_along(tmp_path: Path) -> None:
    class Missing(Program):
        def command(self) -> list[str]:
            return [str(tmp_path / "no_such_program")]

    simulator = Program("simulator", OBEDIENT, str(tmp_path / "simulator"))
    supervisor = Supervisor(FakePlan([simulator, Missing("agent", "")], tmp_path / "log"))
    with pytest.raises(MachineError, match="no_such_program"), supervisor:
        pass
    if (tmp_path / "simulator").exists():
        assert not alive(pid(tmp_path, "simulator"))


def test_nodes_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import sys
        sys.path[:0] = {sys.path!r}
        from pathlib import Path
        from test_supervise import OBEDIENT, plan
        from ddpg_ros.cli.supervise import Supervisor
        with Supervisor(plan(Path({str(tmp_path)!r}), OBEDIENT)) as supervisor:
            supervisor.wait()
    """)
    path = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([path, *sys.path])}
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as supervisor:
        numbers = [pid(tmp_path, name) for name in ("simulator", "agent")]
        assert all(map(alive, numbers))
        supervisor.kill()
    assert eventually(lambda: not any(map(alive, numbers)), seconds=2)
