"""What more is known of titles that are about to be told: asked for while a change waits, kept for a day.

A message never depends on it: what is missing, late or refused is left out.
"""

from feedwatch.detailing.answers import OpenedApi
from feedwatch.detailing.detailer import Detailer
from feedwatch.detailing.sources import OpenApi, Sources

__all__ = ["Detailer", "OpenApi", "OpenedApi", "Sources"]
