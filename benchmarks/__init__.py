"""What the program reaches, measured: each module is `python -m benchmarks.NAME --data DIR --json OUT`."""
