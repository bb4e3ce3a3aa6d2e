"""`feedwatch init` from start to finish: a handful of questions, and a configuration that works."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import click

from feedwatch.config.places import config_home
from feedwatch.config.zones import find_zone, own_zone
from feedwatch.errors import ConfigError
from feedwatch.starting.accounts import ask_account
from feedwatch.starting.dialogue import Dialogue, end_sentence, is_terminal, need
from feedwatch.starting.draft import AccountDraft, Draft, FeedsDraft, NetflixDraft, Papers, write_papers
from feedwatch.starting.placing import names_beside, put_in_place, show_path
from feedwatch.starting.service import offer_service
from feedwatch.starting.targets import ask_target
from feedwatch.starting.trying import Tried, check_address, check_papers, try_account, try_target
from feedwatch.terminal import Column, draw_table, ending_like_ctrl_c

_HOURS = re.compile(r"(\d{1,2})(?::(\d\d))?\s*(?:-|\u2013|to)\s*(\d{1,2})(?::(\d\d))?")
_LONGEST_TITLE = 40


def guide_start(named: Path | None) -> None:
    """Ask, try out, write, and offer to start; `named` is the file of --config.

    Raises:
        click.UsageError: there is no terminal, so nobody can be asked.
        click.Abort: whoever was asked ended it; nothing was written.
    """
    if not is_terminal():
        raise click.UsageError(
            "init asks questions, and this is no terminal. Start from config.example.yaml in place of it."
        )
    dialogue = Dialogue()
    with ending_like_ctrl_c():
        try:
            draft = _ask_all(dialogue)
            file, papers, kept = _put_down(dialogue, draft, _default_place(named))
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nEnded. Nothing was written.", err=True)
            raise click.Abort from None
        _say_what_was_written(dialogue, file, papers, kept)
        try:
            started = offer_service(dialogue, file)
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nEnded. The configuration is written; no service was started.", err=True)
            raise click.Abort from None
    _say_what_is_next(dialogue, draft, file, started=started)


def _ask_all(dialogue: Dialogue) -> Draft:
    dialogue.say(
        "A first configuration, in a few questions. Enter takes what stands in [brackets]. "
        "Nothing is written before the end; Ctrl-C ends it at any point."
    )
    dialogue.head("What is watched")
    draft = Draft(account=ask_account(dialogue, lambda account: _try_account(dialogue, account)))
    dialogue.head("Who is told")
    draft = _ask_target(dialogue, draft)
    return _ask_quiet(dialogue, draft) if draft.target else draft


# ── what is watched ───────────────────────────────────────────────────────────────────────────────


def _try_account(dialogue: Dialogue, account: AccountDraft) -> bool:
    """Ask the account and say what it has; whether to go on with it."""
    dialogue.say("Asking …", indent="  ")
    try:
        tried = try_account(Draft(account=account))
    except ConfigError as error:
        tried = Tried(problem="; ".join(each.message for each in error.problems))
    _say_tried(dialogue, account, tried)
    return tried.is_sound or dialogue.confirm("Go on with it all the same?", default=tried.is_partly_sound)


def _say_tried(dialogue: Dialogue, account: AccountDraft, tried: Tried) -> None:
    if tried.problem:
        dialogue.say(f"That did not work: {end_sentence(tried.problem)}", indent="  ")
    elif isinstance(account, FeedsDraft):
        _say_feed(dialogue, tried)
    else:
        _say_feeds(dialogue, tried)


def _say_feed(dialogue: Dialogue, tried: Tried) -> None:
    for feed in tried.feeds:
        first = f", the first: {_shorten(feed.first_title)}" if feed.first_title else ""
        said = f"It is a feed: {_count(feed.entries, 'entry', 'entries')}{first}."
        dialogue.say(
            f"That did not work: {end_sentence(feed.problem)}" if feed.problem else said, indent="  "
        )


def _say_feeds(dialogue: Dialogue, tried: Tried) -> None:
    """Say how many feeds there are, and show those that were asked."""
    some = f", of which {len(tried.feeds)} were asked" if len(tried.feeds) < tried.count else ""
    dialogue.say(f"It has {_count(tried.count, 'feed', 'feeds')}{some}:", indent="  ")
    columns = [Column("Feed"), Column("Kind"), Column("Entries", right=True), Column("", gives_way=1)]
    rows = [
        (
            each.feed.partition("/")[2],
            str(each.kind),
            "-" if each.problem else f"{each.entries:,}",
            each.problem or "",
        )
        for each in tried.feeds
    ]
    width = min(shutil.get_terminal_size().columns, 100) - 2
    dialogue.show(list(draw_table(columns, rows, width=width)))


def _shorten(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else f"{title[:_LONGEST_TITLE].rstrip()}…"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


# ── who is told ───────────────────────────────────────────────────────────────────────────────────


def _ask_target(dialogue: Dialogue, draft: Draft) -> Draft:
    while target := ask_target(dialogue):
        tried = replace(draft, target=target)
        if problem := check_address(target.address):
            dialogue.say(f"That is no address that can be used: {end_sentence(problem)}", indent="  ")
        elif _try_target(dialogue, tried):
            return tried
    return draft


def _try_target(dialogue: Dialogue, draft: Draft) -> bool:
    """Send a test message, if that is wanted; whether to go on with the target."""
    if not dialogue.confirm("Send a test message there now?"):
        return True
    dialogue.say("Sending …", indent="  ")
    try:
        problem = try_target(draft)
    except ConfigError as error:
        problem = "; ".join(each.message for each in error.problems)
    if problem is None:
        return dialogue.confirm("It was taken. Did it arrive?") or _keep_target(dialogue)
    dialogue.say(f"It was not taken: {end_sentence(problem)}", indent="  ")
    return _keep_target(dialogue)


def _keep_target(dialogue: Dialogue) -> bool:
    return dialogue.confirm("Keep it all the same? No: choose and answer again", default=False)


def _ask_quiet(dialogue: Dialogue, draft: Draft) -> Draft:
    dialogue.head("When it is quiet")
    dialogue.say("In these hours nothing is told; what came is told together when they end.")
    hours = dialogue.ask("Quiet hours, such as 22:00-07:00; Enter for none", check=check_hours)
    if not hours:
        return draft
    here = str(own_zone(os.environ))
    zone = dialogue.ask("By the clock of", here, _check_zone)
    return replace(draft, quiet=hours, zone="" if zone == here else zone)


def _check_zone(answer: str) -> str:
    return str(find_zone(answer))


def check_hours(answer: str) -> str:
    """Take a span of hours, or none; `22-7` is 22:00-07:00.

    Raises:
        ValueError: it is no such span.
    """
    if not answer:
        return ""
    found = _HOURS.fullmatch(answer)
    hours = [int(each or 0) for each in found.groups()] if found else []
    if not found or max(hours[0], hours[2]) > 23 or max(hours[1], hours[3]) > 59:
        raise ValueError("hours of the day are wanted, such as 22:00-07:00")
    start, end = f"{hours[0]:02}:{hours[1]:02}", f"{hours[2]:02}:{hours[3]:02}"
    if start == end:
        raise ValueError("these hours start and end at the same time: that is no time, or always")
    return f"{start}-{end}"


# ── the configuration ─────────────────────────────────────────────────────────────────────────────


def _default_place(named: Path | None) -> Path:
    given = named or os.environ.get("FEEDWATCH_CONFIG")
    return Path(given) if given else config_home(os.environ) / "feedwatch" / "config.yaml"


def _put_down(dialogue: Dialogue, draft: Draft, place: Path) -> tuple[Path, Papers, Path | None]:
    """Write the configuration; where that cannot be, ask again: no answer is to be given twice."""
    dialogue.head("The configuration")
    while True:
        file, papers = _ask_place(dialogue, draft, place)
        try:
            return file, papers, put_in_place(file, papers)
        except OSError as error:
            dialogue.say(f"It cannot be written there: {error.strerror}.", indent="  ")


def _ask_place(dialogue: Dialogue, draft: Draft, default: Path) -> tuple[Path, Papers]:
    """Ask where the configuration goes, show it, and give it if it may be written."""
    while True:
        file = Path(dialogue.ask("Where it goes", show_path(default), _check_place))
        if not file.exists() or _may_replace(dialogue, file):
            break
    draft = replace(draft, apart=_ask_apart(dialogue, draft, file))
    papers = write_papers(draft, datetime.now(UTC).astimezone().date(), names_beside(file))
    for problem in check_papers(papers):
        dialogue.say(f"Beware: {problem}", indent="  ")
    if draft.apart:
        dialogue.show(["", *papers.text.splitlines(), ""])
    if not dialogue.confirm("Write it?"):
        raise click.Abort
    return file, papers


def _ask_apart(dialogue: Dialogue, draft: Draft, file: Path) -> bool:
    """Ask whether secrets are kept in files of their own, if there are any."""
    secrets = write_papers(draft, date.min, names_beside(file)).secrets
    if not secrets:
        return True
    dialogue.say("What is secret goes into files of its own beside it, readable for you alone:")
    dialogue.show(list(secrets))
    return dialogue.confirm("Is that right? No: it stands in the configuration itself")


def _may_replace(dialogue: Dialogue, file: Path) -> bool:
    dialogue.say(f"There is one already. Replaced, it is kept beside the new one, as {file.name}.old.")
    return dialogue.confirm("Replace it?", default=False)


def _check_place(answer: str) -> str:
    try:
        path = Path(need(answer)).expanduser().absolute()
        if path.is_dir():
            raise ValueError("this is a folder; the name of a file is wanted")
    except (OSError, RuntimeError) as error:
        raise ValueError("there cannot be a file of that name") from error
    return str(path)


def _say_what_was_written(dialogue: Dialogue, file: Path, papers: Papers, kept: Path | None) -> None:
    dialogue.say("Written:")
    dialogue.show([show_path(each) for each in (file, *(file.parent / name for name in papers.secrets))])
    if kept:
        dialogue.say(f"The one before is kept: {show_path(kept)}")


def _say_what_is_next(dialogue: Dialogue, draft: Draft, file: Path, *, started: bool) -> None:
    usual = _default_place(None) == file
    start = "feedwatch" if usual else f"feedwatch --config {show_path(file)}"
    account = draft.account
    rows = []
    if isinstance(account, NetflixDraft):
        rows.append((f"login {account.name}", "sign in: nothing is watched before that"))
    rows += [] if started else [("run", "watch and tell, until Ctrl-C")]
    rows += [
        ("status", "each list, when it was polled, how it went"),
        ("changes", "what changed"),
        ("check", "whether everything can be reached"),
    ]
    dialogue.head("What is next")
    dialogue.say("The first poll only counts; from then on, changes are told.")
    width = max(len(word) for word, _ in rows)
    dialogue.show([f"{start} {word:<{width}}   {what}" for word, what in rows])
