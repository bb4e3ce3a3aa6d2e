"""Who may sign for an account beside its discovery, and what to do when their token has died.

Everything that signs asks here first: an account that is signed out signs nothing until somebody has signed
in again, and whoever finds its token dead says so here, once for all.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feedwatch.core.model import Notice, NoticeKind, Reason
from feedwatch.netflix.signing import Token
from feedwatch.services import NetflixSettings, find_token, find_user_id
from feedwatch.store import Store

_LOG = logging.getLogger("feedwatch.discover")


@dataclass(frozen=True, slots=True)
class Signer:
    """What to sign with for an account; `asked_as` says as whom, should the token turn out to be dead."""

    account: str
    token: Token
    user_id: str | None = field(repr=False)
    asked_as: str = field(repr=False)


def find_signer(store: Store, account: str, settings: NetflixSettings) -> Signer | None:
    """Give what to sign with; None while the account is signed out, or has no token at all."""
    status = store.account_status(account)
    sign_in = store.find_sign_in(account)
    token = find_token(settings, sign_in)
    if status is None or status.signed_out or token is None:
        return None
    return Signer(account, token, find_user_id(settings, sign_in, status.facts), status.stamp)


def sign_out(store: Store, signer: Signer, *, now: datetime, notice_addresses: Sequence[str]) -> bool:
    """Write that a token is dead, and owe the one notice of it, in one transaction.

    False, and nothing is written, if somebody has signed in meanwhile.
    """
    reason = Reason.UNAUTHORIZED
    written = store.record_index_failure(
        signer.account,
        now=now,
        next_index_at=None,
        reason=reason,
        detail="",
        notice=Notice(NoticeKind.SIGNED_OUT, now, signer.account, reason=reason),
        notice_addresses=notice_addresses,
        asked_as=signer.asked_as,
    )
    if written:
        _LOG.warning("signed out account=%s reason=%s", signer.account, reason)
    return written
