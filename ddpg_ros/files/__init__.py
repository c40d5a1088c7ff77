"""Files that outlive a crash: sealed, appended, kept elsewhere when a disk is full."""
