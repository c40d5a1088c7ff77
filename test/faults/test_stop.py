"""Fault 52: what `~/estop` does to an arm that is light for its motors, over topics."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pybullet")

from sensor_msgs.msg import JointState

from ddpg_ros.config.parameter_file import find_config
from test.processes import Process, ros_arguments
from test.ros.onlooker import MANY, Onlooker

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow]

LIGHT = """
<robot name="light">
  <link name="base"/>
  <joint name="j1" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
    <limit effort="10" velocity="5" lower="-3" upper="3"/></joint>
  <link name="arm"><inertial><origin xyz="0.1 0 0"/><mass value="0.2"/>
    <inertia ixx="1e-4" iyy="1e-3" izz="1e-3" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="f" type="fixed"><parent link="arm"/><child link="tip"/>
    <origin xyz="0.2 0 0"/></joint>
  <link name="tip"/>
</robot>"""


@pytest.mark.timing
@pytest.mark.parametrize("arm", ["light", "panda"])
def test_fault_52_an_arm_that_moves_slowly_is_at_rest_a_second_after_estop(
    tmp_path, ros_domain, arm
):
    given = {"run__clock": "realtime", "sim__gravity": 0.0, "sim__start_velocity_spread": 0.3}
    more = []
    if arm == "light":
        file = tmp_path / "light.urdf"
        file.write_text(LIGHT)
        given |= {"robot__urdf": file}
    else:
        more = ["--params-file", str(find_config("panda"))]
    guard = Process(tmp_path, "ddpg_ros.ros.nodes.guard", *ros_arguments(given, *more))
    simulator = Process(
        tmp_path,
        "sim.simulator_node",
        *ros_arguments(given, *more, "-r", "joint_command:=guarded_command"),
    )
    onlooker = Onlooker(ros_domain)
    speeds: list[float] = []
    try:
        onlooker.node.create_subscription(
            JointState, "joint_states", lambda m: speeds.append(np.abs(m.velocity).max()), MANY
        )
        torques = onlooker.record("guarded_command")
        onlooker.until(lambda: len(speeds) > 5 and torques, "states and torques")
        assert onlooker.trigger("guard/estop").success
        called = len(speeds)
        onlooker.until(lambda: len(speeds) > called + 40, "1.6 s")
        assert max(speeds[:called]) > 0.01  # it did move
        assert max(speeds[-5:]) < 0.05 * max(speeds[:called])
        assert max(abs(one) for command in torques[-5:] for one in command.torque) < 0.05
    finally:
        onlooker.close()
        guard.kill_family()
        simulator.kill_family()
