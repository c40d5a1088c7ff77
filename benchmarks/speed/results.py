"""What every benchmark shares: the machine it ran on, and the files it leaves."""

import json
import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from ddpg_ros import __version__

_BF16_FLAGS = {"avx512_bf16", "amx_bf16"}
_CPUINFO = Path("/proc/cpuinfo")


def describe_machine() -> dict[str, Any]:
    """Return what a figure needs beside it: machine, versions, date."""
    packages = ("rclpy", "torch", "numpy", "pybullet", "gymnasium")
    return {
        "machine": {
            "cpu": _cpuinfo("model name") or platform.processor() or "unknown",
            "cores": len(usable_cores()),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {
            "ddpg_ros": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in packages},
        },
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def processor_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself."""
    return not _BF16_FLAGS.isdisjoint(_cpuinfo("flags").split())


def write_results(report: dict[str, Any], file: Path) -> None:
    """Write a report as JSON."""
    write_whole(json.dumps(report, indent=2) + "\n", file)


def write_whole(text: str, file: Path) -> None:
    """Write a file whole or not at all; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def _cpuinfo(key: str) -> str:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":")[1].strip() for line in lines if line.startswith(key)), "")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "sourced" if package == "rclpy" else "none"
