"""Installation for pip and for colcon (ament_python)."""

import sys
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

NAME = "ddpg_ros"
EXTRAS = ("learn", "sim", "robot", "ros", "xacro", "onnx", "dev")
"""And `test`, by which colcon finds pytest."""
ROOT = Path(__file__).resolve().parent


def requirements(part: str) -> list[str]:
    """Return what a file of requirements/ asks for, without its comments."""
    lines = Path("requirements", f"{part}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def interpreter() -> list[str]:
    """For colcon, note down where `make setup` makes the interpreter; see interpreter.py.

    pip calls other commands, and installs into the environment in which it runs.
    """
    if not {"install", "develop"} & set(sys.argv):
        return []
    mark = Path("resource", "python")
    mark.write_text(f"{ROOT / '.venv' / 'bin' / 'python'}\n", encoding="utf-8")
    return [str(mark)]


setup(
    name=NAME,
    version="0.1.0",
    description="Learning torque control on robot arms over ROS 2 with DDPG",
    license="Apache-2.0",
    python_requires=">=3.10",
    install_requires=requirements("base"),
    extras_require={part: requirements(part) for part in EXTRAS} | {"test": requirements("dev")},
    packages=find_packages(include=["ddpg_ros", "ddpg_ros.*", "sim", "sim.*"]),
    package_data={"ddpg_ros": ["py.typed", "ros/runtime/*.xml"], "sim": ["assets/*", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml", *interpreter()]),
        (f"share/{NAME}/config", glob("config/*")),
        (f"share/{NAME}/launch", glob("launch/*.launch.py")),
        (f"share/{NAME}/urdf", glob("sim/assets/*.urdf")),
    ],
    entry_points={
        "console_scripts": [
            "ddpg-ros = ddpg_ros.cli.main:main",
            "agent = ddpg_ros.executables:agent",
            "policy = ddpg_ros.executables:policy",
            "guard = ddpg_ros.executables:guard",
            "recorder = ddpg_ros.executables:recorder",
            "simulator = ddpg_ros.executables:simulator",
        ],
    },
)
