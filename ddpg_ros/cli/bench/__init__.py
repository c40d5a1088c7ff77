"""`ddpg-ros bench`: how fast this machine runs us, each figure beside its limit."""
