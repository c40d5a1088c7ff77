"""The ROS partners of the speed benchmarks."""
