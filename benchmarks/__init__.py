"""Measurements that take minutes to hours; run as `python -m benchmarks.NAME`."""
