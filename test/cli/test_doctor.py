"""The doctor: what it finds here, and what it says where something is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ddpg_ros.cli import doctor as doctor_module
from ddpg_ros.cli import probes
from ddpg_ros.cli.doctor import Finding, diagnose, doctor


@pytest.mark.slow
@pytest.mark.ros
@pytest.mark.bullet
def test_on_a_machine_that_was_set_up_everything_needed_is_found() -> None:
    findings = diagnose()
    assert [f for f in findings if not f.ok and not f.optional] == []
    assert {"Python", "rclpy", "torch", "pybullet", "DDS"} <= {f.what for f in findings}


@pytest.mark.slow
@pytest.mark.ros
def test_two_processes_meet_over_dds() -> None:
    answer = probes.exchange_over_dds()
    assert answer.found is not None and answer.found["heard"]
    assert answer.found["seconds"] < probes.EXCHANGE_TIMEOUT_S


def test_without_any_library_the_doctor_still_runs_and_says_how_to_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in ("rclpy", "sensor_msgs", "torch", "pybullet", "gymnasium", "safetensors"):
        (tmp_path / f"{module}.py").write_text("raise ImportError('not here')")
    (tmp_path / "diagnostic_msgs.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    missing = {f.what: f for f in diagnose() if not f.ok and not f.optional}
    assert set(missing) == {
        *("rclpy", "ROS messages", "torch", "pybullet", "gymnasium", "safetensors", "DDS"),
    }
    assert all(finding.fix for finding in missing.values())
    assert missing["torch"].detail == "ImportError: not here"


def test_the_doctor_imports_nothing_heavy_itself() -> None:
    program = (
        "import sys, ddpg_ros.cli.doctor;"
        "print({'rclpy', 'torch', 'pybullet', 'gymnasium', 'numpy'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout == "set()\n"


def test_a_library_that_crashes_is_a_finding() -> None:
    answer = probes.run_probe("import os; os.abort()")
    assert answer.found is None and answer.problem


def test_a_library_that_hangs_is_a_finding() -> None:
    answer = probes.run_probe("import time; time.sleep(60)", timeout_s=0.3)
    assert answer.problem == "no answer within 0.3 s"


def test_a_busy_machine_is_no_reason_to_install_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hanging = "import time; time.sleep(60)"
    monkeypatch.setattr(probes, "TORCH", hanging)
    monkeypatch.setattr(probes, "_LISTENER", hanging)
    monkeypatch.setattr(probes, "_START_S", 0.2)
    monkeypatch.setattr(probes, "EXCHANGE_TIMEOUT_S", 0.1)
    run = probes.run_probe
    monkeypatch.setattr(probes, "run_probe", lambda program: run(program, 0.3))
    here = [Finding("rclpy", True, ""), Finding("ROS messages", True, "")]
    for finding in (doctor_module._torch(), doctor_module._dds(here)):
        assert not finding.ok
        assert finding.fix.endswith("call the doctor again when this machine is less busy")


@pytest.mark.parametrize(
    ("domain", "usable"),
    [("-1", False), ("102", True), ("232", True), ("233", False), ("many", False)],
)
def test_a_domain_that_ros_cannot_use_or_whose_ports_may_be_taken_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, domain: str, usable: bool
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", domain)
    finding = doctor_module._domain()
    assert (finding.ok, finding.optional) == (False, usable)
    assert "0 to 101" in finding.fix


def test_json_is_for_machines_and_the_exit_code_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = [Finding("rclpy", False, "not here", "install it")]
    monkeypatch.setattr(doctor_module, "diagnose", lambda: findings)
    assert doctor(as_json=True) == 2
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "findings": [
            {
                "what": "rclpy",
                "ok": False,
                "detail": "not here",
                "fix": "install it",
                "optional": False,
            }
        ],
    }


def test_what_is_optional_may_be_absent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = [Finding("launch_ros", False, "none", "not needed", optional=True)]
    monkeypatch.setattr(doctor_module, "diagnose", lambda: findings)
    assert doctor(as_json=False) == 0
    assert capsys.readouterr().out == "– launch_ros  none\n              → not needed\n"
