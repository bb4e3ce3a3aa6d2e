"""Writes docs/targets.md anew: tells eight strict services everything, and puts down what came of it."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from strict_table import TARGETS, make_page  # noqa: E402 — found only now

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    TARGETS.write_text(asyncio.run(make_page()), encoding="utf-8")
