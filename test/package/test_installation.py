"""Which Python runs the package, and what is said if it is not fit for that."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ddpg_ros import installation, interpreter
from ddpg_ros.installation import Requirement, Unmet, requirements, unmet

ROOT = Path(__file__).parents[2]
BASE_PYTHON = Path(sys.base_prefix, "bin", "python3")
"""A Python without our libraries, as the system's is."""
OLD_PYDANTIC = 'VERSION = "1.10.14"\nclass BaseModel: pass\n'


def stock(folder: Path, **libraries: str) -> dict[str, str]:
    """A machine's Python with this package and some libraries of the distribution's own.

    Args:
        folder: takes them.
        libraries: source by name.

    Returns:
        The environment in which `BASE_PYTHON` is that Python.
    """
    site = folder / "dist-packages"
    site.mkdir()
    (site / "ddpg_ros").symlink_to(ROOT / "ddpg_ros")
    info = site / "ddpg_ros-0.1.0.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: ddpg_ros\nVersion: 0.1.0\n")
    (info / "requires.txt").write_text("numpy>=1.26\npydantic>=2.6\ntyper>=0.9\n")
    for name, source in libraries.items():
        (site / f"{name}.py").write_text(source)
    old = site / "pydantic-1.10.14.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: pydantic\nVersion: 1.10.14\n")
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME")}
    return kept | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}


def run(environment: dict[str, str], program: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BASE_PYTHON, "-c", f"from ddpg_ros import interpreter; {program}", *more],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )


def test_the_system_s_python_goes_on_in_the_one_that_was_set_up(tmp_path: Path) -> None:
    python = tmp_path / "checkout" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    package = tmp_path / "install" / "lib" / "python3" / "site-packages" / "ddpg_ros"
    package.mkdir(parents=True)
    mark = tmp_path / "install" / "share" / "ddpg_ros" / "python"
    mark.parent.mkdir(parents=True)
    mark.write_text(f"{python}\n")
    program = (
        "from pathlib import Path;"
        f"interpreter._MODULE = Path({str(package / 'interpreter.py')!r});"
        "interpreter.begin()"
    )
    ended = run(stock(tmp_path), program, "given")
    assert ended.stderr == ""
    assert ended.stdout.split()[0] == "-c" and ended.stdout.split()[-1] == "given"


def test_a_set_up_in_the_checkout_itself_needs_no_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    monkeypatch.setattr(interpreter, "_MODULE", tmp_path / "ddpg_ros" / "interpreter.py")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert interpreter.chosen() == str(python)


def test_an_environment_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert interpreter.chosen() == sys.executable


@pytest.mark.parametrize("program", ["executables.guard()", "cli.main.main()"])
def test_an_old_pydantic_of_the_distribution_is_a_sentence_with_the_remedy(
    program: str, tmp_path: Path
) -> None:
    environment = stock(tmp_path, pydantic=OLD_PYDANTIC, typer="", numpy="", rich="")
    ended = run(
        environment,
        "import sys; from ddpg_ros import executables; import ddpg_ros.cli.main;"
        "interpreter.chosen = lambda: sys.executable; from ddpg_ros import cli;"
        f"sys.exit({program})",
        "train",
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "pydantic 1.10.14, and 2.6 or newer is needed" in ended.stderr
    assert "setup' with this ROS 2 sourced" in ended.stderr


def test_the_doctor_runs_on_the_standard_library_and_names_what_is_too_old(
    tmp_path: Path,
) -> None:
    program = (
        "import sys; import ddpg_ros.cli.main; interpreter.chosen = lambda: sys.executable;"
        "ddpg_ros.cli.main.main()"
    )
    ended = run(stock(tmp_path, pydantic=OLD_PYDANTIC), program, "doctor", "--json")
    assert ended.returncode == 2, ended.stderr
    found = {f["what"]: f for f in json.loads(ended.stdout)["findings"]}
    assert not found["requirements"]["ok"]
    assert "pydantic 1.10.14, and 2.6 or newer is needed" in found["requirements"]["detail"]
    assert "no typer" in found["requirements"]["detail"]
    assert "setup'" in found["requirements"]["fix"]


def test_this_python_meets_what_the_files_in_requirements_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = []
    for part in ("base", "learn", "sim", "ros"):
        text = (ROOT / "requirements" / f"{part}.txt").read_text().splitlines()
        asked = [line for line in text if not line.startswith("#")]
        assert all(">=" in line for line in asked), f"{part} asks for a library without a bound"
        lines += asked if part == "base" else [f'{line}; extra == "{part}"' for line in asked]
    monkeypatch.setattr(installation.metadata, "requires", lambda _: lines)
    assert {r.name for r in requirements()} >= {"pydantic", "numpy", "torch", "ros-jazzy-rclpy"}
    assert {r.part for r in requirements()} == {"", "learn", "sim", "ros"}
    for part in ("", "learn", "sim"):
        assert unmet(part) == []


@pytest.mark.parametrize(
    ("found", "least", "met"),
    [
        ("2.6", "2.6", True),
        ("2.14.3", "2.6", True),
        ("1.26.4", "1.26", True),
        ("1.10.14", "2.6", False),
        ("2.5.9", "2.6", False),
        ("", "2.6", False),
        ("0.17.1rc1", "0.9", True),
        ("2.13.0+cpu", "2.4", True),
    ],
)
def test_versions_compare_by_number(
    found: str, least: str, met: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "requirements", lambda: [Requirement("x", least, "")])
    monkeypatch.setattr(installation, "version_of", lambda _: found)
    assert (unmet() == []) is met
    expected = f"x {found}, and {least} or newer is needed" if found else "no x"
    assert met or str(Unmet(Requirement("x", least, ""), found)) == expected


def test_ctrl_c_while_modules_are_imported_ends_a_node_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time; open('here', 'w').close(); time.sleep(60)")
    program = (
        "from ddpg_ros import executables; executables._MODULES['agent'] = 'slow'; "
        "executables.agent()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        stderr=subprocess.PIPE,
    ) as node:
        deadline = time.monotonic() + 20
        while not (tmp_path / "here").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        node.send_signal(signal.SIGINT)
        _, said = node.communicate(timeout=100)
    assert (node.returncode, said) == (-signal.SIGINT, b"")


@pytest.mark.parametrize("words", [[], ["learner"]])
def test_an_executable_that_is_none_is_refused_with_those_that_are(words: list[str]) -> None:
    command = [sys.executable, "-m", "ddpg_ros.executables", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert done.returncode == 2
    name = words[0] if words else ""
    expected = "agent, policy, guard, recorder, simulator, operator"
    assert done.stderr == f"'{name}' is no executable; expected {expected}.\n"


def test_an_interrupt_that_was_blocked_at_the_start_is_not_lost(tmp_path: Path) -> None:
    program = "from ddpg_ros.interpreter import begin; begin(); print('went on')"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}),
    ) as node:
        node.send_signal(signal.SIGINT)
        said, complaint = node.communicate(timeout=100)
    assert (node.returncode, said, complaint) == (-signal.SIGINT, b"", b"")
