"""What a list's address can be told to answer instead of its list: the faults of real servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from feedwatch.sandbox.documents import write_status


@dataclass(frozen=True, slots=True)
class Fault:
    """One answer that is not the list.

    `moved` redirects to the same list at a longer address; `cut` promises more than it sends; `slow`
    sends white space, a little at a time; `large` far more of it than anybody wants. `stale` shows a list
    as it was before its last change; `late` does what is asked before it answers as if it had not.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    moved: bool = False
    cut: bool = False
    slow: bool = False
    large: bool = False
    stale: bool = False
    late: bool = False


def _refusal(status: int, message: str, **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(status, write_status(status, message).encode(), named)


FAULTS: Mapping[str, Fault] = {
    "202": Fault(202),
    "204": Fault(204),
    "400": _refusal(400, "parameter output is invalid"),
    "401": _refusal(401, "Bad feed token"),
    "403": _refusal(403, "Invalid feed token"),
    "403-per-second": _refusal(403, "Over queries per second limit"),
    "403-per-day": _refusal(403, "Over queries per day limit"),
    "403-other": _refusal(403, "Application is not allowed"),
    "404": _refusal(404, "Resource not found"),
    "410": _refusal(410, "Gone"),
    "405": _refusal(405, "Method not allowed", Allow="HEAD"),
    "412": _refusal(412, "Precondition failed. Resource has been modified."),
    "429": _refusal(429, "Too many requests", Retry_After="30"),
    "500": _refusal(500, "Internal error"),
    "500-late": Fault(500, write_status(500, "Internal error").encode(), late=True),
    "502": Fault(502, b"<html><body><h1>Bad gateway</h1></body></html>"),
    "503": _refusal(503, "Service unavailable"),
    "503-later": _refusal(503, "Service unavailable", Retry_After="600"),
    "504": Fault(504, b"<html><body><h1>Gateway time-out</h1></body></html>"),
    "301": Fault(301, moved=True),
    "302": Fault(302, moved=True),
    "303": Fault(303, moved=True),
    "307": Fault(307, moved=True),
    "308": Fault(308, moved=True),
    "html": Fault(
        body=b"<!DOCTYPE html><html><head><title>Hello</title></head><body><h1>Sign in</h1></body></html>"
    ),
    "empty": Fault(),
    "declaration": Fault(body=b'<?xml version="1.0" encoding="utf-8"?>\n'),
    "status": Fault(body=write_status(500, "Internal error").encode()),
    "truncated": Fault(
        body=b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><id>x</id><tit'
    ),
    "bomb": Fault(
        body=b'<!DOCTYPE f [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><feed>&b;</feed>'
    ),
    "no-items": Fault(body=b"<queue><etag>0</etag><number_of_results>0</number_of_results></queue>"),
    "cut": Fault(body=b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">', cut=True),
    "drip": Fault(slow=True),
    "large": Fault(large=True),
    "stale": Fault(stale=True),
}
