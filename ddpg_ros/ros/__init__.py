"""The ROS edge: nodes, interface, runtime; no arithmetic."""
