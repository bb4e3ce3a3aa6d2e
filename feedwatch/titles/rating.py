"""Rating a title, whether it has been rated before or not."""

from __future__ import annotations

from feedwatch.access import Access, open_access
from feedwatch.config import Config
from feedwatch.core.model import Kind
from feedwatch.core.statuses import Action
from feedwatch.netflix.limits import check_rating
from feedwatch.netflix.queueing import say_unsure
from feedwatch.netflix.ratings import find_ratings, rate
from feedwatch.netflix.refs import id_of
from feedwatch.netflix.replies import ApiFailed, CatalogTitle
from feedwatch.present import Row, Screen, show_duration
from feedwatch.titles.naming import need_title
from feedwatch.titles.rows import name_title, say_rating

_NO_OPINION = "no_opinion"


async def rate_title(config: Config, screen: Screen, account: str | None, typed: str, rating: str) -> int:
    """Give a title a rating, in place of the one that it has if it has one."""
    wanted = check_rating(rating)
    async with open_access(config, account, screen) as access:
        if isinstance(nobody := await access.api.find_user(), ApiFailed):
            return access.fail(nobody, own=True)
        title = await need_title(access, typed, f"feedwatch rate TITLE {rating}")
        if isinstance(title, int):
            return title
        before = await _find_before(access, title)
        if isinstance(before, ApiFailed):
            return access.fail(before, own=True)
        if before is not None and wanted == _NO_OPINION:
            return access.complain(_say_kept(name_title(title), before))
        return await _rate(access, title, before, wanted)


async def _find_before(access: Access, title: CatalogTitle) -> str | ApiFailed | None:
    """The rating that a title has; that nobody can say it is no reason not to rate it."""
    found = await find_ratings(access.api, [title.ref], "actual")
    if isinstance(found, ApiFailed):
        return found if found.action in (Action.SIGN_IN_AGAIN, Action.WAIT) else None
    return next((each.rating for each in found if id_of(each.title.ref) == id_of(title.ref)), None)


async def _rate(access: Access, title: CatalogTitle, before: str | None, wanted: str) -> int:
    if before != wanted:
        outcome = await rate(access.api, title.ref, wanted)
        if isinstance(outcome, ApiFailed):
            return _refuse(access, title, outcome)
        access.hasten_lists(Kind.RATINGS)
    if access.screen.as_json:
        access.screen.print_rows([_describe(title, before, wanted)], [], empty="")
    access.say(_say_done(name_title(title), before, wanted))
    return 0


def _say_kept(name: str, before: str) -> str:
    return (
        f"{name} keeps its rating, {say_rating(before)}: the server has no way to take one back. "
        f"Give 1 to 5, or not-interested"
    )


def _refuse(access: Access, title: CatalogTitle, failed: ApiFailed) -> int:
    if failed.may_have_happened:
        access.hasten_lists(Kind.RATINGS)
        later = f", in {show_duration(failed.retry_after)}" if failed.retry_after else ""
        look = f"`feedwatch titles show {id_of(title.ref)}` shows whether it was done{later}"
        return access.complain(f"{name_title(title)} was perhaps not rated: {say_unsure(failed)}: {look}")
    if failed.action is Action.SIGN_IN_AGAIN:
        return access.fail(failed, own=True)
    return access.fail(failed, f"{name_title(title)} was not rated", own=True)


def _describe(title: CatalogTitle, before: str | None, wanted: str) -> Row:
    return {
        "done": "rated" if before is None else "unchanged" if before == wanted else "re-rated",
        "title": title.name,
        "rating": wanted,
        "previous_rating": before,
        "id": id_of(title.ref),
        "ref": title.ref,
    }


def _say_done(name: str, before: str | None, wanted: str) -> str:
    if before is None:
        return f"rated {name} {say_rating(wanted)}"
    if before == wanted:
        return f"{name} has {say_rating(wanted)} already"
    return f"re-rated {name} {say_rating(before)} → {say_rating(wanted)}"
