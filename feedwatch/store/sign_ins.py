"""Who is signed in: the access tokens that signing in has got, and what of them is worth nothing any more."""

from __future__ import annotations

from feedwatch.core.model import FeedState, Reason
from feedwatch.core.state import SignIn
from feedwatch.store.codec import read_instant, stamp
from feedwatch.store.connection import Connection, Row


class SignIns(Connection):
    """The store's words about sign-ins. What they give holds secrets."""

    def find_sign_in(self, account: str) -> SignIn | None:
        """What signing in has got for an account; None without it."""
        rows = self.query("SELECT * FROM sign_ins WHERE account = ?", (account,))
        return next(map(_read_sign_in, rows), None)

    def list_sign_ins(self) -> tuple[SignIn, ...]:
        """All sign-ins there are, also of accounts that are not configured any more."""
        return tuple(map(_read_sign_in, self.query("SELECT * FROM sign_ins ORDER BY account")))

    def record_sign_in(self, sign_in: SignIn) -> None:
        """Keep a sign-in in place of the one before; what was signed out goes on.

        The account's index is due now, and so are its lists that could not be read: their addresses may
        have died with the old token. That an account was told to be broken stays known: it will be told to
        work again.
        """
        self._leave_no_traces()
        with self.transaction() as conn:
            conn.execute("DELETE FROM title_details WHERE account = ?", (sign_in.account,))
            # Somebody else's queue was not changed by anybody into this one's.
            conn.execute(
                "DELETE FROM queue_readings WHERE account = ?1 AND NOT EXISTS "
                "(SELECT 1 FROM sign_ins WHERE account = ?1 AND user_id = ?2)",
                (sign_in.account, sign_in.user_id),
            )
            conn.execute(
                "INSERT OR REPLACE INTO sign_ins (account, application, user_id, token, secret, at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    sign_in.account,
                    sign_in.application,
                    sign_in.user_id,
                    sign_in.token,
                    sign_in.secret,
                    stamp(sign_in.at),
                ),
            )
            conn.execute(
                "UPDATE accounts SET signed_out = 0, next_index_at = ?1, failures = 0, reason = NULL, "
                "detail = '', failing_since_at = CASE WHEN broken_announced THEN failing_since_at END "
                "WHERE name = ?2",
                (stamp(sign_in.at), sign_in.account),
            )
            conn.execute(
                "UPDATE feeds SET next_poll_at = ? WHERE account = ? AND failures > 0 AND state <> ?",
                (stamp(sign_in.at), sign_in.account, FeedState.RETIRED),
            )

    def forget_sign_in(self, account: str) -> bool:
        """Forget a sign-in: the account is signed out, and nobody is told; False if there was none."""
        self._leave_no_traces()
        with self.transaction() as conn:
            forgotten = conn.execute("DELETE FROM sign_ins WHERE account = ?", (account,)).rowcount > 0
            if forgotten:
                conn.execute("DELETE FROM title_details WHERE account = ?", (account,))
                conn.execute("DELETE FROM queue_readings WHERE account = ?", (account,))
                conn.execute(
                    "UPDATE accounts SET signed_out = 1, next_index_at = NULL, reason = ?, detail = '' "
                    "WHERE name = ?",
                    (Reason.NO_CREDENTIALS, account),
                )
        return forgotten

    def _leave_no_traces(self) -> None:
        """Have what is overwritten from here on blanked in the file: no token is to be found there later."""
        self.query("PRAGMA secure_delete = ON")


def _read_sign_in(row: Row) -> SignIn:
    at = read_instant(row["at"])
    assert at is not None
    return SignIn(row["account"], row["application"], row["user_id"], row["token"], row["secret"], at)
