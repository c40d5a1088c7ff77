"""What this package asks for and this Python lacks, by the installed metadata alone.

Nothing is imported but the standard library, so it can be said in a Python in which nothing else
works: the system's, with the distribution's old libraries.
"""

import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from ddpg_ros.interpreter import checkout

_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?\s*(?:>=\s*([\w.]+))?\s*(?:;\s*(.*))?")


class Requirement(NamedTuple):
    """A line of requirements/, as the metadata has it."""

    name: str  # with pip
    least: str  # version; empty: any
    part: str  # the extra that asks for it; empty: the base


class Unmet(NamedTuple):
    """A requirement that is not there, or too old."""

    requirement: Requirement
    found: str  # version; empty: none

    def __str__(self) -> str:
        """Return it as part of a sentence: `pydantic 1.10.14, and 2.5 or newer is needed`."""
        name, least, _ = self.requirement
        if not self.found:
            return f"no {name}"
        return f"{name} {self.found}, and {least} or newer is needed"


def requirements() -> list[Requirement]:
    """Return all requirements of the base and the extras; none if there is no metadata."""
    try:
        lines = metadata.requires("ddpg_ros") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        match = _REQUIREMENT.fullmatch(line)
        if match is not None:
            name, least, marker = match.groups(default="")
            extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", marker)
            found.append(Requirement(name, least, extra[1] if extra else ""))
    return found


def unmet(part: str = "") -> list[Unmet]:
    """Return what this Python lacks of the base, or of an extra."""
    missing = []
    for requirement in requirements():
        if requirement.part == part:
            version = version_of(requirement.name)
            if not version or _numbers(version) < _numbers(requirement.least):
                missing.append(Unmet(requirement, version))
    return missing


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution; empty if there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def sentence(missing: list[Unmet]) -> str:
    """Return what stands against running here, and how to fix it."""
    listed = "; ".join(map(str, missing))
    return f"this Python, {sys.executable}, has {listed}. {remedy()}"


def remedy() -> str:
    """Return how to make a Python that has everything."""
    if checkout() is None and not is_managed_elsewhere():
        return "Install the package with its requirements: pip install ."
    return (
        f"Run '{set_up()}' with this ROS 2 sourced: it makes an environment of its own on top of "
        "this Python, and the executables find it."
    )


def set_up() -> str:
    """Return the command that sets up an environment, in the checkout if that is known."""
    root = checkout()
    return f"make -C {root} setup" if root else "make -C src/ddpg_ros setup"


def is_managed_elsewhere() -> bool:
    """Whether pip is kept away from this Python by its distribution (PEP 668)."""
    if sys.prefix != sys.base_prefix:
        return False
    return Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
