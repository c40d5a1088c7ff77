"""How fast this machine runs ddpg_ros, each figure beside its limit."""
