"""The arm: URDF, limits, kinematics, dynamics."""
