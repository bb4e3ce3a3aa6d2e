"""The fuzz targets, driven by atheris, which looks for bytes that take new ways through the code.

    python tests/fuzz/run_atheris.py read_feed found/ tests/data/feeds -max_total_time=60

What follows the target's name goes to libFuzzer: where to put what takes a new way, and documents to begin
with. Without a name the targets are listed. atheris is in the group `fuzz`, not in the lock; `make fuzz`.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["feedwatch", "feedparser", "email"]):
    from fuzz_targets import TARGETS


def main() -> None:
    """Drive the target that is named first."""
    if len(sys.argv) < 2:
        sys.stdout.write("\n".join(TARGETS) + "\n")
        return
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
