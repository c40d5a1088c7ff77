"""The worker: a process that learns, and the control loop's side of it."""
