"""A client of TMDB, as far as it is asked here: search by title and year, for a poster and an overview."""

from feedwatch.tmdb.client import DEFAULT_SERVER, RATE, Tmdb, TmdbFailed
from feedwatch.tmdb.matching import Found
from feedwatch.tmdb.pace import Pace

__all__ = ["DEFAULT_SERVER", "RATE", "Found", "Pace", "Tmdb", "TmdbFailed"]
