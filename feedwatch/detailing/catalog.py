"""Details by the API of an account's own service: two calls for all titles, then two for each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from feedwatch.core.model import Reason, TitleDetails
from feedwatch.core.networks import host_of
from feedwatch.core.statuses import Action
from feedwatch.core.subjects import WantedTitle
from feedwatch.core.text import clean, shorten
from feedwatch.detailing.answers import Answer, Trouble
from feedwatch.errors import RequestRefused
from feedwatch.netflix.api import Api
from feedwatch.netflix.catalog import find_synopsis, find_title
from feedwatch.netflix.limits import check_title_ref
from feedwatch.netflix.ratings import find_ratings
from feedwatch.netflix.refs import path_of
from feedwatch.netflix.replies import ApiFailed, CatalogTitle, TitleState
from feedwatch.netflix.users import find_title_states

_SIZES = ("large", "medium", "small")
_LONGEST_SYNOPSIS = 2000
_ENDING = {Action.SIGN_IN_AGAIN, Action.UNKNOWN}
_ENDING_REASONS = {
    Reason.RATE_LIMITED,
    Reason.UNAVAILABLE,
    Reason.UNAUTHORIZED,
    Reason.WRONG_CLOCK,
    Reason.NO_CREDENTIALS,
}
_NOTHING = {Action.GIVE_UP, Action.FIX_REQUEST}


@dataclass(frozen=True, slots=True)
class _Personal:
    """What the subscriber's own calls said, by the path of each title."""

    states: Mapping[str, TitleState]
    predicted: Mapping[str, str]


async def ask_catalog(api: Api, titles: Sequence[WantedTitle]) -> AsyncGenerator[Answer | Trouble, None]:
    """Ask about titles, the first first; ends at the first trouble that the others would meet, too.

    The subscriber's own calls alone are signed for them: no refusal of another says that their token is dead.
    """
    askable = []
    for title in titles:
        if title.ref is not None and _is_askable(title.ref):
            askable.append(title)
        else:
            yield Answer(title, None)
    if not askable:
        return
    personal = await _ask_personal(api, [path_of(title.ref or "") for title in askable])
    if isinstance(personal, Trouble):
        yield personal
        return
    for title in askable:
        outcome = await _ask_one(api, title, personal)
        yield outcome
        if isinstance(outcome, Trouble) and outcome.ends:
            return


def _is_askable(ref: str) -> bool:
    try:
        return path_of(check_title_ref(ref)) == ref
    except RequestRefused:
        return False


async def _ask_personal(api: Api, refs: Collection[str]) -> _Personal | Trouble:
    """How the subscriber stands to the titles, and what they would think of them, as far as that is said."""
    refs = list(dict.fromkeys(refs))
    states = await find_title_states(api, refs)
    if isinstance(states, ApiFailed) and _ends(states):
        return _trouble(states)
    predicted = await find_ratings(api, refs, "predicted")
    if isinstance(predicted, ApiFailed) and _ends(predicted):
        return _trouble(predicted)
    stated = () if isinstance(states, ApiFailed) else states
    rated = () if isinstance(predicted, ApiFailed) else predicted
    return _Personal(
        {_path(each.ref): each for each in stated},
        {_path(each.title.ref): each.predicted_rating for each in rated if each.predicted_rating},
    )


async def _ask_one(api: Api, wanted: WantedTitle, personal: _Personal) -> Answer | Trouble:
    assert wanted.ref is not None
    title = await find_title(api, wanted.ref)
    if isinstance(title, ApiFailed):
        return Answer(wanted, None) if _is_nothing(title) else _trouble_of_all(title, wanted)
    synopsis = await find_synopsis(api, title)
    if isinstance(synopsis, ApiFailed):
        # What is known already is told without it, unless it is to be had a moment later.
        text = ""
        if not _is_nothing(synopsis):
            return _trouble_of_all(synopsis, wanted)
    else:
        text = synopsis.short or synopsis.text
    return Answer(wanted, _describe(api, wanted.ref, title, text, personal))


def _describe(api: Api, ref: str, title: CatalogTitle, synopsis: str, personal: _Personal) -> TitleDetails:
    state = personal.states.get(ref)
    picture = next((title.box_art[size] for size in _SIZES if size in title.box_art), None)
    return TitleDetails(
        year=str(title.year) if title.year else None,
        certificate=shorten(clean(title.certificate), 40) if title.certificate else None,
        average_rating=_some(title.average_rating),
        predicted_rating=_some(personal.predicted.get(ref) or title.predicted_rating),
        synopsis=shorten(clean(synopsis), _LONGEST_SYNOPSIS),
        picture=picture,
        queued=state.queued if state else None,
        playable=state.playable if state else None,
        picture_own=picture is not None and host_of(picture) == host_of(api.server),
    )


def _some(rating: str | None) -> str | None:
    """A rating, where there is one: nobody gives no star at all."""
    return None if rating == "0" else rating


def _path(ref: str) -> str:
    try:
        return path_of(ref)
    except RequestRefused:
        return ""


def _is_nothing(failed: ApiFailed) -> bool:
    """Whether the answer is that there is nothing, and not only now."""
    return failed.action in _NOTHING and failed.reason not in _ENDING_REASONS and failed.status is not None


def _ends(failed: ApiFailed) -> bool:
    """Whether the next call would fare no better: nobody answers, or nobody may ask."""
    return failed.action in _ENDING or failed.reason in _ENDING_REASONS or failed.status is None


def _trouble(failed: ApiFailed, title: WantedTitle | None = None) -> Trouble:
    says = f"{failed.reason}: {failed.message}" if failed.message else str(failed.reason)
    return Trouble(
        failed.action, failed.reason, says, failed.retry_after, title, ends=_ends(failed), host=failed.host
    )


def _trouble_of_all(failed: ApiFailed, title: WantedTitle) -> Trouble:
    """Trouble of a call that the application alone signs: where that is refused, it is for every title."""
    trouble = _trouble(failed, title)
    return replace(trouble, action=Action.UNKNOWN) if failed.action is Action.SIGN_IN_AGAIN else trouble
