"""One conditional GET under limits: the door of the HTTP client.

What goes wrong comes back as a value with a reason. Redirects are followed by hand, so that neither a
token nor a signature ever reaches another host. Nothing here knows of feeds or of the database.

`fetcher` asks, `pictures` does so for pictures, `posting` sends, `exchange` is one request and its redirects,
`transport` puts it on the wire, `lookup` asks where names lead, `gate` says where connections may;
`addresses`, `headers`, `bodies` and `failures` read what their names say.
"""

from feedwatch.fetch.addresses import host_named_by
from feedwatch.fetch.fetcher import Fetcher, FetchLimits
from feedwatch.fetch.pictures import PictureFailed, PictureFetcher
from feedwatch.fetch.posting import Poster

__all__ = ["FetchLimits", "Fetcher", "PictureFailed", "PictureFetcher", "Poster", "host_named_by"]
