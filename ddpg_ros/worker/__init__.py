"""The learner's process, and how the control loop talks to it."""
