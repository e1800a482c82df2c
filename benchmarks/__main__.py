"""Measure every claim and print the table."""

import platform

from benchmarks import capture, heads, startup


def main() -> None:
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}\n")
    for module in (startup, capture, heads):
        for row in module.rows():
            print(row, flush=True)


if __name__ == "__main__":
    main()
