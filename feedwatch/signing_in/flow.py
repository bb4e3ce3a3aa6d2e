"""`feedwatch login` and `feedwatch logout`, start to finish.

What was there before is kept until the new token has been tried and works: a sign-in that comes to nothing,
or is broken off, changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import click

from feedwatch.config import Config
from feedwatch.netflix.login import (
    AccessToken,
    LoginFailed,
    NoAnswer,
    Refused,
    RequestToken,
    Trouble,
    read_answer,
)
from feedwatch.signing_in import words
from feedwatch.signing_in.browsers import open_page
from feedwatch.signing_in.callback import Page, listen
from feedwatch.signing_in.desk import (
    Desk,
    Nobody,
    find_ways,
    must_have_no_token,
    must_not_rest,
    need_account,
    open_desk,
)
from feedwatch.signing_in.keeping import keep_sign_in
from feedwatch.signing_in.pasting import read_lines
from feedwatch.store import Store
from feedwatch.terminal import clean_text


async def sign_in(config: Config, account: str, *, paste: bool, patience: timedelta) -> int:
    """Sign an account in by its server's login page; 1, and nothing has changed, if that comes to nothing.

    Raises:
        FeedwatchError: it cannot even be begun.
    """
    settings = need_account(config, account)
    must_have_no_token(config, account, settings)
    ways = find_ways(os.environ, paste=paste)
    async with open_desk(config, account, settings, ways) as desk:
        must_not_rest(desk)
        try:
            async with AsyncExitStack() as stack:
                got = await _go_through(desk, stack, patience)
            # Nothing is awaited in it once the token is kept.
            return desk.complain(got) if isinstance(got, str) else await keep_sign_in(desk, got)
        except asyncio.CancelledError:
            click.echo("\nNothing has changed.", nl=False, err=True)  # click ends the line
            raise


def sign_out(config: Config, account: str) -> int:
    """Forget an account's sign-in; what its lists have shown stays, and nobody is told.

    Also that of an account which is not in the configuration any more.

    Raises:
        FeedwatchError: its token stands in the configuration, so that nothing here can forget it; or there is
            no such account.
    """
    if account in config.accounts:
        must_have_no_token(config, account, need_account(config, account))
    store = Store.open_existing(config.state)
    try:
        forgotten = store.forget_sign_in(account)
        if not forgotten:
            need_account(config, account)
        store.tidy_log()  # in which the token stands, too
    finally:
        store.close()
    if not forgotten:
        click.echo(f"{account} is not signed in: there is nothing to forget.")
        return 0
    click.echo(
        f"{account} is signed out: its access token is forgotten, and nothing is signed for it any more.\n"
        f"No new lists are found, and no queue or rating can be changed; lists whose address still works\n"
        f"are watched as before. To take the permission itself back, use the page of its service.\n"
        f"To sign in again, type: feedwatch login {account}"
    )
    return 0


# ── the dance ─────────────────────────────────────────────────────────────────────────────────────


async def _go_through(desk: Desk, stack: AsyncExitStack, patience: timedelta) -> AccessToken | str:
    """Go through the three steps; gives an access token, or why there is none."""
    taking = _Taking(desk)
    callback = await stack.enter_async_context(listen(taking.take)) if desk.ways.callback else None
    request = await desk.provider.ask_request_token(callback)
    if isinstance(request, LoginFailed):
        return _fail(desk, request)
    desk.redactor.register(request.token.secret)
    taking.request = request
    _show_page(desk, request, callback)
    async with _reading_pastes(desk, request):
        try:
            answer = await asyncio.wait_for(desk.answers.get(), patience.total_seconds())
        except TimeoutError:
            return await _try_unanswered(desk, request, patience)
    if isinstance(answer, Refused):
        return words.say_refused(desk.account)
    if isinstance(answer, Nobody):
        return words.say_nothing_pasted(desk.account)
    got = await desk.provider.trade_token(request, answer.verifier)
    return _fail(desk, got) if isinstance(got, LoginFailed) else got


def _fail(desk: Desk, failed: LoginFailed) -> str:
    """Say why a step came to nothing; a server that asks for rest is left alone from now on."""
    if failed.trouble is Trouble.RESTS:
        desk.keep_rest(failed.rest)
    return words.say_failure(desk.config, desk.account, failed)


@dataclass(slots=True)
class _Taking:
    """Takes what the login page sends the browser back with, once there is what it can belong to."""

    desk: Desk
    request: RequestToken | None = None

    def take(self, query: str) -> Page:
        """Give what the browser is shown; what belongs to another sign-in changes nothing."""
        found = read_answer(f"?{query}", self.request) if self.request else NoAnswer("it has not begun yet")
        if isinstance(found, NoAnswer):
            return Page("That is not it", f"Not taken: {found.why}. feedwatch goes on waiting.", 400)
        self.desk.answers.put_nowait(found)
        if isinstance(found, Refused):
            return Page(
                "Refused", "feedwatch was not allowed in, and has changed nothing. You can close this window."
            )
        return Page(
            "Thank you", "You can close this window. The terminal says whether feedwatch is signed in."
        )


def _show_page(desk: Desk, request: RequestToken, callback: str | None) -> None:
    address = desk.provider.make_login_address(request, callback)
    where = "opens in your browser now; if it does not, open" if callback else "is at this address; open"
    desk.say(f"The login page of {desk.account} {where} it yourself:\n")
    # The one place where a key and a token are shown: whoever opens the page has to have them.
    click.echo(f"    {clean_text(address)}\n")
    if host := desk.provider.find_named_host(request):
        ours = urlsplit(desk.settings.url).hostname
        desk.say(
            f"That is a page of {host}, as the server at {ours} says. Type a password there only if you "
            f"know it."
        )
    for line in _explain(desk, request):
        desk.say(line)
    if callback:
        open_page(address)


def _explain(desk: Desk, request: RequestToken) -> list[str]:
    back = "When you have allowed it there, this ends by itself."
    if not desk.ways.paste:
        return [back]
    what = "the code that it shows" if request.has_verifier else "any code that it shows"
    done = "" if request.has_verifier else ", or press Enter if it shows none"
    paste = f"paste {what}, or the whole address that it leads to{done}:"
    if desk.ways.callback:
        return [f"{back} If it does not, {paste}"]
    return [f"When you have allowed it there, {paste}"]


@asynccontextmanager
async def _reading_pastes(desk: Desk, request: RequestToken) -> AsyncIterator[None]:
    """Take what is pasted, too, while the block lasts."""
    if not desk.ways.paste:
        yield
        return
    task = asyncio.create_task(_read_pastes(desk, request))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _read_pastes(desk: Desk, request: RequestToken) -> None:
    async with aclosing(read_lines(sys.stdin.fileno())) as lines:
        async for line in lines:
            found = read_answer(line, request)
            if not isinstance(found, NoAnswer):
                desk.answers.put_nowait(found)
                return
            desk.say(f"Not taken: {found.why}. Paste it again:")
    if not desk.ways.callback:
        desk.answers.put_nowait(Nobody())


async def _try_unanswered(desk: Desk, request: RequestToken, patience: timedelta) -> AccessToken | str:
    """Nobody has come back. A server that gives no code may all the same have been told yes: it is asked."""
    if request.has_verifier:
        return words.say_nobody_came(desk.account, patience)
    got = await desk.provider.trade_token(request, None)
    if isinstance(got, AccessToken):
        return got
    if got.trouble is Trouble.RESTS:
        return _fail(desk, got)
    if got.trouble in (Trouble.NOT_ALLOWED, Trouble.DEAD_TOKEN):
        return words.say_page_closed(desk.account, patience)
    return words.say_nobody_came(desk.account, patience)
