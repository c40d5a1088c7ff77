"""The ROS edge: messages to numpy and back, parameters, QoS, wiring; no arithmetic."""
