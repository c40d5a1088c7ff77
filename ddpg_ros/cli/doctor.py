"""`ddpg-ros doctor`: what is installed, what is missing, and how to fix it.

It needs the standard library alone, because it is called where nothing else works.
"""

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ddpg_ros.cli import probes
from ddpg_ros.errors import EXIT_CODE
from ddpg_ros.extras import EXTRA_OF, how_to_install, install_command
from ddpg_ros.installation import is_managed_elsewhere, remedy, unmet
from ddpg_ros.ros_domain import HIGHEST_DOMAIN

_SET_UP = f"{how_to_install('rclpy')}; 'make setup' in a checkout makes a .venv with all of it"
_BUSY = "nothing is wrong for sure: call the doctor again when this machine is less busy"
_SHM_BYTES = 64 * 2**20
_SAFE_DOMAIN = 101  # the ports of higher domains overlap Linux's range of ephemeral ports


@dataclass(frozen=True)
class Finding:
    """The result of one check; `fix` is empty if nothing needs fixing."""

    what: str
    ok: bool
    detail: str
    fix: str = ""
    optional: bool = False


def diagnose() -> list[Finding]:
    """Check everything that a training needs, in a few seconds; it never raises."""
    checks: list[Callable[[], Finding]] = [
        _python,
        _base,
        _rclpy,
        _messages,
        _torch,
        lambda: _library("pybullet", "pybullet", "the simulator's physics"),
        lambda: _library("pinocchio", "pin", "the inertia by which the guard brakes"),
        lambda: _library("gymnasium", "gymnasium", "train --gym"),
        lambda: _library("safetensors", "safetensors", "policy files"),
        lambda: _library("tensorboard", "tensorboard", "the learner's log"),
        _launch,
        _compiler,
        _shared_memory,
        _cores,
        _domain,
    ]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        findings = list(pool.map(lambda check: check(), checks))
    return [*findings, _dds(findings)]


def doctor(as_json: bool) -> int:
    """Print what `diagnose` finds, as JSON or as a table; return the exit code."""
    findings = diagnose()
    ok = all(finding.ok or finding.optional for finding in findings)
    if as_json:
        print(json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        _print_table(findings, sys.stdout.isatty())
    return 0 if ok else EXIT_CODE


def _print_table(findings: list[Finding], coloured: bool) -> None:
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        sign, colour = ("✓", 32) if finding.ok else ("–", 2) if finding.optional else ("✗", 31)
        print(f"{_paint(sign, colour, coloured)} {finding.what:<{width}}  {finding.detail}")
        if finding.fix:
            print(f"  {'':<{width}}  {_paint(f'→ {finding.fix}', 33, coloured)}")


def _paint(text: str, colour: int, coloured: bool) -> str:
    return f"\033[{colour}m{text}\033[0m" if coloured else text


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 10)
    fix = "" if ok else "use Python 3.10 or newer; 3.11 has wheels for everything"
    return Finding("Python", ok, f"{version}, {sys.executable}", fix)


def _base() -> Finding:
    missing = unmet()
    if missing:
        kept = ", which its distribution keeps pip away from" if is_managed_elsewhere() else ""
        detail = f"{sys.executable}{kept}: {'; '.join(map(str, missing))}"
        return Finding("requirements", False, detail, remedy())
    return Finding("requirements", True, "all that every part needs")


def _rclpy() -> Finding:
    answer = probes.run_probe(probes.RCLPY)
    if answer.found is None:
        return _failed("rclpy", answer, _SET_UP)
    file = str(answer.found["file"])
    distro = os.environ.get("ROS_DISTRO")
    here = file.startswith(sys.prefix)
    source = "wheels" if here else f"ROS 2 {distro}, sourced" if distro else "this system"
    return Finding("rclpy", True, f"{source}, {answer.found['rmw']}, {os.path.dirname(file)}")


def _messages() -> Finding:
    answer = probes.run_probe(probes.MESSAGES)
    if answer.found is None:
        return _failed("ROS messages", answer, _SET_UP)
    return Finding("ROS messages", True, "sensor, std, geometry, rosgraph, diagnostic, std_srvs")


def _failed(what: str, answer: probes.ProbeResult, fix: str) -> Finding:
    return Finding(what, False, answer.problem, _BUSY if answer.slow else fix)


def _torch() -> Finding:
    answer = probes.run_probe(probes.TORCH)
    if answer.found is None:
        fix = f"{how_to_install('torch')}; a policy runs on the robot without it"
        return _failed("torch", answer, fix)
    cuda = answer.found["cuda"]
    where = f"CUDA on {cuda}" if cuda else "CPU, no CUDA device"
    return Finding("torch", True, f"{answer.found['version']}, {where}")


def _library(module: str, distribution: str, purpose: str) -> Finding:
    answer = probes.run_probe(probes.importing(module))
    if answer.found is None:
        known = module in EXTRA_OF
        command = how_to_install(module) if known else install_command(distribution)
        fix = f"{command}; it is needed for {purpose}"
        return _failed(module, answer, fix)
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        version = "version unknown"
    return Finding(module, True, version)


def _launch() -> Finding:
    if find_spec("launch_ros") is not None:
        return Finding("launch_ros", True, "ros2 launch ddpg_ros train.launch.py", optional=True)
    fix = "only launch files need it, 'ddpg-ros train' does not; it comes with a ROS 2 install"
    return Finding("launch_ros", False, "not installed", fix, optional=True)


def _compiler() -> Finding:
    found = shutil.which(os.environ.get("CXX", "g++"))
    headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    ok = found is not None and headers
    detail = (found or "none") + ("" if headers else ", but no Python.h")
    fix = "" if ok else "without it learning is several times slower: apt install g++ python3-dev"
    return Finding("C++ compiler", ok, detail, fix, optional=True)


def _shared_memory() -> Finding:
    try:
        status = os.statvfs("/dev/shm")
    except OSError as error:
        detail = f"/dev/shm: {error.strerror}"
        return Finding("shared memory", False, detail, "mount a tmpfs at /dev/shm")
    size, free = (blocks * status.f_frsize for blocks in (status.f_blocks, status.f_bavail))
    ok = free >= _SHM_BYTES
    fix = "" if ok else "free some of /dev/shm, or give the container more: --shm-size=512m"
    return Finding("shared memory", ok, f"{free >> 20} of {size >> 20} MiB free", fix)


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0))
    fix = "" if cores > 1 else "real time needs one core for the loop and one for the learner"
    return Finding("cores", cores > 1, str(cores), fix, optional=True)


def _domain() -> Finding:
    domain = os.environ.get("ROS_DOMAIN_ID", "")
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST by our default")
    if domain and not (domain.isdecimal() and int(domain) <= _SAFE_DOMAIN):
        fix = f"set ROS_DOMAIN_ID to a number from 0 to {_SAFE_DOMAIN}, or unset it"
        usable = domain.isdecimal() and int(domain) <= HIGHEST_DOMAIN
        return Finding("ROS domain", False, f"'{domain}'", fix, optional=usable)
    return Finding("ROS domain", True, f"{int(domain or 0)}, discovery {reach}")


def _dds(findings: list[Finding]) -> Finding:
    if not all(f.ok for f in findings if f.what in ("rclpy", "ROS messages")):
        return Finding("DDS", False, "not tested without rclpy", "fix rclpy first")
    answer = probes.exchange_over_dds()
    if answer.found is None:
        fix = "let UDP on the loopback interface pass, and look at ROS_DOMAIN_ID"
        return _failed("DDS", answer, fix)
    seconds = answer.found["seconds"]
    return Finding("DDS", True, f"two processes exchanged a message after {seconds:.2f} s")
