"""Whether the person who types has a browser on this machine, and opening a page in it."""

from __future__ import annotations

import sys
import threading
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_FROM_AFAR: Final = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
_OWN_DISPLAY: Final = ("darwin", "win32", "cygwin")
_IN_TERMINAL: Final = frozenset({"www-browser", "links", "elinks", "lynx", "w3m", "browsh"})
"""Browsers that would take over the terminal in which an answer may be pasted."""


def has_browser(environ: Mapping[str, str]) -> bool:
    """Whether a page can be opened here, and the browser that shows it reaches this machine.

    Over SSH the browser is somewhere else, whatever is installed here.
    """
    if any(environ.get(name) for name in _FROM_AFAR):
        return False
    if sys.platform not in _OWN_DISPLAY and not any(environ.get(name) for name in _DISPLAYS):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return getattr(browser, "name", "") not in _IN_TERMINAL


def open_page(address: str) -> None:
    """Open a page, without waiting for it: some browsers keep whoever starts them until they are closed."""

    def show() -> None:
        with suppress(webbrowser.Error, OSError):
            webbrowser.open(address)

    threading.Thread(target=show, name="browser", daemon=True).start()
