"""Measurements of the program. Each module runs as `python -m benchmarks.NAME --data DIR --json OUT`."""
