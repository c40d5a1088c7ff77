"""Installation for pip and for colcon (ament_python)."""

from glob import glob

from setuptools import find_packages, setup

NAME = "ddpg_ros"

setup(
    name=NAME,
    version="0.1.0",
    description="Learning torque control on robot arms over ROS 2 with DDPG",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["ddpg_ros", "ddpg_ros.*", "sim", "sim.*"]),
    package_data={"ddpg_ros": ["py.typed", "ros/runtime/*.xml"], "sim": ["assets/*", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/config", glob("config/*.yaml")),
        (f"share/{NAME}/launch", glob("launch/*.launch.py")),
    ],
    entry_points={
        "console_scripts": [
            "ddpg-ros = ddpg_ros.cli.main:main",
            "agent = ddpg_ros.ros.nodes.agent:main",
            "policy = ddpg_ros.ros.nodes.policy:main",
            "guard = ddpg_ros.ros.nodes.guard:main",
            "simulator = sim.simulator_node:main",
        ],
    },
)
