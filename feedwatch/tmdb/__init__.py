"""A client of TMDB, as far as it is asked here: search by title and year, for a poster and an overview."""

from feedwatch.tmdb.client import DEFAULT_SERVER, Tmdb, TmdbFailed
from feedwatch.tmdb.matching import Found

__all__ = ["DEFAULT_SERVER", "Found", "Tmdb", "TmdbFailed"]
