"""What runs every tick on the robot: numpy only, no torch, no ROS."""
