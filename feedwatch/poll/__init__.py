"""One poll, start to finish: read the list over the network, then decide and write in one transaction.

`reading` asks and reads (`probe`: whether it has to), `earlier` asks for what a window does not show,
`landing` writes (in `batches`), `round` makes many polls at once, each when it has a place (`places`), and
reads an account's index where only that can help (`indexes`).
"""

from feedwatch.poll.earlier import EarlierViewings
from feedwatch.poll.landing import PollTerms, PollWriter
from feedwatch.poll.places import UNHURRIED, Places
from feedwatch.poll.reading import ListReader, Reading, ReadList, SameList
from feedwatch.poll.reports import PollOutcome, PollReport
from feedwatch.poll.round import Poller

__all__ = [
    "UNHURRIED",
    "EarlierViewings",
    "ListReader",
    "Places",
    "PollOutcome",
    "PollReport",
    "PollTerms",
    "PollWriter",
    "Poller",
    "ReadList",
    "Reading",
    "SameList",
]
