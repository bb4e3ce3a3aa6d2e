"""Which cases are measured, how often, and with which programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lives import Case, Setting
from programs import BareFetch, Feedwatch, FeedwatchQueues, Program

SIZES = (Case(200, 25), Case(1000, 25), Case(5000, 25), Case(40, 500))
DELAY = 100
FEW = 4
"""Feeds of the small round that says what start-up takes."""
_SMALL = 200 * 25
_PEERS_UP_TO = 25_000
"""Entries: beyond, a life of theirs takes ten minutes."""
_OURS = (BareFetch, Feedwatch, FeedwatchQueues)
_STREAMS = (BareFetch, Feedwatch)


@dataclass(frozen=True, slots=True)
class Job:
    """A case in a setting. `peers` are measured once: they cost the most time."""

    setting: Setting
    case: Case
    programs: Sequence[type[Program]]
    peers: Sequence[type[Program]]
    repeats: int

    @property
    def small(self) -> Job:
        """The small round whose cost is removed; delays do not change it. Once is not enough for it."""
        case, setting = Case(FEW, self.case.entries), Setting(tls=self.setting.tls)
        return replace(self, case=case, setting=setting, repeats=max(self.repeats, 3))


def plan_all(peers: Sequence[type[Program]], repeats: int) -> Iterator[Job]:
    """Everything, in about twenty minutes: what takes long is left out where it adds little."""
    plain, over_tls = Setting(), Setting(tls=True)
    for case in SIZES:
        yield plan_case(plain, case, _OURS, peers, repeats)
    for case in SIZES:
        yield plan_case(over_tls, case, _STREAMS, peers if _is_small(case) else (), repeats)
    for setting in (Setting(delay=DELAY), Setting(tls=True, delay=DELAY)):
        for case in SIZES:
            if case.feeds < 5000:
                yield plan_case(setting, case, _STREAMS, peers if _is_small(case) else (), 1)


def plan_case(
    setting: Setting,
    case: Case,
    programs: Sequence[type[Program]],
    peers: Sequence[type[Program]],
    repeats: int,
) -> Job:
    """One case: the larger, the less often, and peers only where they end."""
    entries = case.feeds * case.entries
    if entries > _PEERS_UP_TO:
        return Job(setting, case, programs, (), min(repeats, 2))
    return Job(setting, case, programs, peers, repeats)


def plan_some(
    settings: Sequence[Setting], cases: Sequence[Case], peers: Sequence[type[Program]], repeats: int
) -> Iterator[Job]:
    """What somebody has asked for."""
    for setting in settings:
        for case in cases:
            yield plan_case(setting, case, _OURS, peers, repeats)


def _is_small(case: Case) -> bool:
    return case.feeds * case.entries <= _SMALL
