"""A Chromium that photographs pages: only for pictures in the documentation, no test needs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str:
    """The first Chromium on the PATH; without one there are no pictures."""
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    sys.exit(f"pictures need a Chromium on the PATH: one of {', '.join(_NAMES)}")


def photograph(html: str, target: Path, *, width: int, height: int, dark: bool = False) -> None:
    """Take a picture of a page at a width, as somebody sees it who prefers light or dark."""
    browser = find_browser()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(html, "utf-8")
        command = [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
            "--disable-background-networking",
            f"--user-data-dir={folder}/profile",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--window-size={width},{height}",
            f"--screenshot={target.resolve()}",
            page.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
