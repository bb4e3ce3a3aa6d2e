"""Every status that a service can answer with, and what we do about it: one table, without a default.

The rows are those of the Netflix API (status, sub code, message, resource), of REST services in general, and
of TMDB. A code that stands in none of them is an action of its own.
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What is done about a reply."""

    PROCEED = "proceed"
    WAIT = "wait"
    DISCOVER_ANEW = "discover_anew"
    SIGN_IN_AGAIN = "sign_in_again"
    FIX_REQUEST = "fix_request"
    GIVE_UP = "give_up"
    UNKNOWN = "unknown"
