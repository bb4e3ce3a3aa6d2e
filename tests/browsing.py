"""Debian's Chromium without a screen, driven by its own driver: for what has to work in a real browser.

Where it is not installed such a test is skipped, and says so; with FEEDWATCH_BROWSER_REQUIRED in the
environment, as in `.ci/run`, it fails instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

PATIENCE = 20.0


@contextmanager
def chromium(folder: Path, *more: str) -> Iterator[webdriver.Chrome]:
    """Start a browser with a profile of its own in a folder; it ends, and all of it, with the block."""
    folder.mkdir()
    browser, driver = _find("chromium"), _find("chromedriver")
    options = Options()
    options.binary_location = browser
    for argument in (
        "--headless=new",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # it refuses to start as root with it
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder / 'profile'}",
        *more,
    ):
        options.add_argument(argument)
    service = Service(
        driver, log_output=str(folder / "chromedriver.log"), env={**os.environ, "HOME": str(folder)}
    )
    page = webdriver.Chrome(options, service)
    try:
        page.set_page_load_timeout(PATIENCE)
        yield page
    finally:
        page.quit()


def _find(program: str) -> str:
    """Where a program is; where it is not, the test is skipped, or fails."""
    found = shutil.which(program)
    if found is None:
        said = f"{program} is not installed: apt-get install chromium chromium-driver"
        if os.environ.get("FEEDWATCH_BROWSER_REQUIRED"):
            pytest.fail(said)
        pytest.skip(said)
    return found
