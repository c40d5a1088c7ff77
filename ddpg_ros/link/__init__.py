"""The shared memory between agent and learner, and the learner's process."""
