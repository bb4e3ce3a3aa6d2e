"""What reading a document may cost the worker: by what is in it, for a long list is no attack.

An honest document of that size and as many tags takes a fifteenth of this on the machine it was
measured on. Time is the processor's, not the clock's: a machine that is busy elsewhere is no attack.
"""

from __future__ import annotations

_SECONDS = 0.5
_SECONDS_FOR_A_TAG = 0.2e-3
_SECONDS_FOR_A_BYTE = 1.5e-6
_SECONDS_FOR_BROKEN = 1.5
_MEMORY = 48 * 1024 * 1024
_MEMORY_FOR_A_TAG = 512
_MEMORY_FOR_A_BYTE = 6


def seconds_for(body: bytes, *, broken: bool = False) -> float:
    """How long the processor may work on a document.

    What is not well-formed comes to feedparser as it is, with all that it is quadratic in, and has less.
    """
    seconds = _SECONDS + body.count(b"<") * _SECONDS_FOR_A_TAG + len(body) * _SECONDS_FOR_A_BYTE
    return min(seconds, _SECONDS_FOR_BROKEN) if broken else seconds


def memory_for(body: bytes) -> int:
    """How many bytes may be taken for a document beyond what the worker has."""
    return _MEMORY + body.count(b"<") * _MEMORY_FOR_A_TAG + len(body) * _MEMORY_FOR_A_BYTE
