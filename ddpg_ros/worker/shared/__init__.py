"""Memory that the control loop and the worker share: ring, mailbox, wakeup."""
