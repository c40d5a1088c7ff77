"""PyBullet behind the topics that a robot driver has, and as a gymnasium.Env."""
