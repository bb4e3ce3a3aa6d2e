"""The state of feedwatch in one SQLite file; `Store` is the only way to it."""

from feedwatch.store.base import Store
from feedwatch.store.claiming import NO_END, OFFERED_AT_ONCE
from feedwatch.store.copying import copy_state
from feedwatch.store.detailing import Askable
from feedwatch.store.lock import hold_state, is_owner_alive, owner_now
from feedwatch.store.polls import Landed, ReadPoll
from feedwatch.store.rescue import rescue_state

__all__ = [
    "NO_END",
    "OFFERED_AT_ONCE",
    "Askable",
    "Landed",
    "ReadPoll",
    "Store",
    "copy_state",
    "hold_state",
    "is_owner_alive",
    "owner_now",
    "rescue_state",
]
