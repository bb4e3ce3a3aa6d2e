"""The whole persistence API in domain words. SQL stays behind it."""

from __future__ import annotations

from feedwatch.store.addresses import Addresses
from feedwatch.store.detailing import Detailing
from feedwatch.store.indexes import Indexes
from feedwatch.store.inspecting import Inspecting
from feedwatch.store.keeping import Keeping
from feedwatch.store.outbox import Outbox
from feedwatch.store.pacing import Pacing
from feedwatch.store.planning import Planning
from feedwatch.store.polls import Polls
from feedwatch.store.queue_readings import QueueReadings
from feedwatch.store.sign_ins import SignIns
from feedwatch.store.silencing import Silencing
from feedwatch.store.tending import Tending
from feedwatch.store.views import Views


class Store(
    Addresses,
    Indexes,
    SignIns,
    Detailing,
    Polls,
    Outbox,
    Tending,
    Planning,
    Silencing,
    Views,
    Pacing,
    Keeping,
    Inspecting,
    QueueReadings,
):
    """What feedwatch remembers: accounts, feeds, lists, changes, deliveries and messages.

    Of one thread. Every write is one short transaction (`transaction`), and each method is whole: it
    has done all it says, or raised and done nothing. Instants are handed in, never asked for.
    """
