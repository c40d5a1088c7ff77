"""A session from its first step to its policy file; ROS and Gymnasium alike."""
