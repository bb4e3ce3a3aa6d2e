"""A round of the library reader, by a Python that has it: `python reader_round.py DATABASE URLS [add]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import requests.adapters
from reader import make_reader  # type: ignore[import-not-found]  # it is measured where it is installed

WORKERS = 10


def main(database: str, urls: Path, *, add: bool) -> int:
    """Poll all feeds, due or not, or only take them up; gives 1 if one failed."""
    # It does not heed the environment, and trusts whom its library trusts: here, the farm.
    requests.adapters.DEFAULT_CA_BUNDLE_PATH = os.environ["SSL_CERT_FILE"]  # type: ignore[attr-defined]
    reader = make_reader(database)
    if add:
        for url in urls.read_text().split():
            reader.add_feed(url)
        return 0
    results = reader.update_feeds_iter(workers=WORKERS, scheduled=False)
    failed = [result.value for result in results if isinstance(result.value, Exception)]
    if failed:
        sys.stderr.write(f"{failed[0]}\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), add=len(sys.argv) > 3))
