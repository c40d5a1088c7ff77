"""The process around a node: main, lifecycle, executor, real time, watchdog, transport."""
