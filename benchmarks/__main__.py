"""Measure every claim and print the table."""

import platform

from benchmarks import capture, generating, heads, length, live, memory, pages, startup, zooming


def main() -> None:
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}\n")
    for module in (startup, pages, heads, length, zooming, live, generating, capture, memory):
        for row in module.rows():
            print(row, flush=True)


if __name__ == "__main__":
    main()
