"""What a run leaves as a rosbag2 recording, and how recordings become experience again."""
