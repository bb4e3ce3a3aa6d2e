"""One conditional GET under limits: the door of the HTTP client.

What goes wrong comes back as a value with a reason. Redirects are followed by hand, so that neither a
token nor a signature ever reaches another host. Nothing here knows of feeds or of the database.

`fetcher` asks, `pictures` does so for pictures, `posting` sends, `exchange` is one request and its redirects,
`transport` puts it on the wire, `lookup` asks where names lead, `gate` says where connections may,
`deadlines` ends what takes too long;
`addresses`, `headers`, `bodies` and `failures` read what their names say.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# With httpx comes a command line, and with that rich and pygments: 6 MB and 30 ms of every start for what is
# never called. To a module that stands as None here Python says, as httpx expects, that it is not installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]


@contextmanager
def _with_nothing_to_trust() -> Iterator[None]:
    """Have OpenSSL find no certificates where it looks by default."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = os.devnull
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before


# aiohttp reads all trusted certificates twice when it is imported: 40 ms and 2.6 MB of every start, for what
# nobody here uses. Whom to trust is read when somebody is first asked behind TLS (`transport`).
with _with_nothing_to_trust():
    import aiohttp  # noqa: F401

from feedwatch.fetch.addresses import host_named_by  # noqa: E402 — httpx, from here on
from feedwatch.fetch.fetcher import Fetcher, FetchLimits  # noqa: E402
from feedwatch.fetch.pictures import PictureFailed, PictureFetcher  # noqa: E402
from feedwatch.fetch.posting import Poster  # noqa: E402

__all__ = ["FetchLimits", "Fetcher", "PictureFailed", "PictureFetcher", "Poster", "host_named_by"]
