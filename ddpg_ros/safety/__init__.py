"""What may reach the motors: guard, limits, states, arming, deadlines. No torch, no ROS."""
