"""Every setting, the parameter file, the run directory."""
