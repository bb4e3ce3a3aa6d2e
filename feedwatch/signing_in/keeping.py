"""What a sign-in has got: tried, and kept only if it works."""

from __future__ import annotations

import stat
from contextlib import suppress

from feedwatch.core.model import Reason
from feedwatch.core.state import SignIn
from feedwatch.errors import StoreError
from feedwatch.netflix.api import Api
from feedwatch.netflix.login import AccessToken
from feedwatch.netflix.replies import ApiFailed
from feedwatch.netflix.signing import application_of
from feedwatch.netflix.users import find_user
from feedwatch.rows import say_reason
from feedwatch.services import USER_ID
from feedwatch.signing_in import words
from feedwatch.signing_in.desk import Desk


async def keep_sign_in(desk: Desk, got: AccessToken) -> int:
    """Try a new token, and keep it in place of the one before if it works."""
    desk.redactor.register(got.token.value, got.token.secret)
    api = _make_api(desk, got)
    user = await find_user(api)
    if isinstance(user, ApiFailed):
        if user.reason is Reason.RATE_LIMITED:
            desk.keep_rest(user.retry_after)
        return desk.complain(words.say_unusable(desk.account, say_reason(user.reason, user.message)))
    user_id = api.user_id or user.user_id
    if desk.settings.user_id not in (None, user_id):
        return desk.complain(_say_other_user(desk))
    known_id = _find_known_user(desk)
    desk.store.record_sign_in(_make_sign_in(desk, got, user_id))
    with suppress(StoreError):  # then the token before stands in the file for a while yet
        desk.store.tidy_log()
    as_whom = f" as {user.name}" if user.name else ""
    desk.say(f"{desk.account} is signed in{as_whom}. A running feedwatch takes it up by itself.")
    if desk.config.state.stat().st_mode & stat.S_IRGRP:
        desk.say(f"Beware: its group can read {desk.config.state}, and so the access token in it.")
    if known_id not in (None, user_id):
        desk.say("That is somebody else than before: what their lists differ in will be told as changes.")
    return 0


def _find_known_user(desk: Desk) -> str | None:
    """Whose lists are known under this account; None where none are."""
    status = desk.store.account_status(desk.account)
    return status.facts.get(USER_ID) if status is not None else None


def _make_sign_in(desk: Desk, got: AccessToken, user_id: str) -> SignIn:
    application = application_of(desk.settings.url, desk.provider.consumer)
    now = desk.clock.now()
    return SignIn(desk.account, application, user_id, got.token.value, got.token.secret, now)


def _make_api(desk: Desk, got: AccessToken) -> Api:
    provider = desk.provider
    return Api(
        provider.server,
        provider.consumer,
        provider.caller,
        desk.fetcher.call,
        desk.clock.now,
        got.token,
        got.user_id,
    )


def _say_other_user(desk: Desk) -> str:
    said = (
        f"somebody else signed in than the one who stands here. Take the line out, or sign in as that one. "
        f"Nothing has changed. {words.say_again(desk.account)}"
    )
    return str(desk.config.problem(("accounts", desk.account, "user_id"), f"{desk.account}: {said}"))
