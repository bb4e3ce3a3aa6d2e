"""Tell systemd how the daemon fares (sd_notify(3)); silent where there is none."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import timedelta


def notify_systemd(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send a line such as `READY=1`; False where nobody listens."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            return False
    return True


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> timedelta | None:
    """How often to say that all is well: half of what systemd allows. None without a watchdog."""
    allowed = environ.get("WATCHDOG_USEC", "")
    meant_for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if not (allowed.isdigit() and int(allowed) and meant_for_us):
        return None
    return timedelta(microseconds=int(allowed)) / 2
