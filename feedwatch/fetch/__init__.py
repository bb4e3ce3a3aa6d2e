"""One conditional GET under limits: the door of the HTTP client.

What goes wrong comes back as a value with a reason. Redirects are followed by hand, so that neither a
token nor a signature ever reaches another host. Nothing here knows of feeds or of the database.

`fetcher` asks, `exchange` is one request and its redirects, `transport` puts it on the wire, `lookup` asks
where names lead, `gate` says where connections may; `addresses`, `headers`, `bodies` and `failures`
read what their names say.
"""

from feedwatch.fetch.addresses import host_named_by
from feedwatch.fetch.fetcher import Fetcher, FetchLimits

__all__ = ["FetchLimits", "Fetcher", "host_named_by"]
