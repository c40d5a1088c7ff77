"""Files that survive a crash or a full disk: sealed, appended, or kept on another disk."""
