"""An arm of two joints that turn about level axes, so that its weight pulls at both."""

UPRIGHT = """
<robot name="upright">
  <link name="base"/>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/>
    <origin xyz="0 0 0.5"/><axis xyz="0 1 0"/>
    <limit effort="40" velocity="4" lower="-2.5" upper="2.5"/></joint>
  <link name="upper"><inertial><origin xyz="0.2 0 0"/><mass value="2"/>
    <inertia ixx="0.001" iyy="0.03" izz="0.03" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="elbow" type="revolute"><parent link="upper"/><child link="fore"/>
    <origin xyz="0.4 0 0"/><axis xyz="0 1 0"/>
    <limit effort="15" velocity="4" lower="-2.5" upper="2.5"/></joint>
  <link name="fore"><inertial><origin xyz="0.15 0 0"/><mass value="1"/>
    <inertia ixx="0.001" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="tip" type="fixed"><parent link="fore"/><child link="hand"/>
    <origin xyz="0.3 0 0"/></joint>
  <link name="hand"/>
</robot>"""
