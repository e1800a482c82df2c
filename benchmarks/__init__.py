"""One file per claim in the README; `python -m benchmarks` measures them all and prints the table."""
