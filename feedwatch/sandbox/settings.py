"""Who is served, and how the server behaves: what can be set from outside."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Switches:
    """What the server can be told to do otherwise: dialects of the API's years, and its moods.

    `id_host` is the host in ids and links; `later_dialect` uses the labels, rels and schemes of later
    replies. `atom_pages` off gives 25 titles whatever is asked for; `ignore_start_index` hears only how
    many are wanted; `refuse_paging` answers 400 to both. `moves_between_pages` is how many times the
    queue moves on just before a further page of it is given. `plain_only` answers in plain XML even who
    asks for Atom. `verifier` makes signing in OAuth 1.0a. `title_state_items`, `limits_as_403` and
    `json_numbers` word replies as they were seen. `calls_per_second` refuses more, unless it is 0;
    `queue_limit` is how many titles may be added to a queue. `index_titles` is how many titles the
    catalog's index is to have at least; what there is not is made up on the way. With `index_ranges` its
    rest can be asked for where it was cut. `faults` holds, for a list's name, what its next answers are to
    be instead of the list.
    """

    id_host: str = "api.netflix.com"
    later_dialect: bool = False
    opml_as_documented: bool = True
    atom_pages: bool = True
    atom_totals: bool = True
    plain_only: bool = False
    ignore_start_index: bool = False
    refuse_paging: bool = False
    moves_between_pages: int = 0
    etag_per_page: bool = False
    http_etags: bool = True
    verifier: bool = False
    title_state_items: bool = False
    limits_as_403: bool = False
    json_numbers: bool = False
    calls_per_second: int = 0
    queue_limit: int = 500
    index_titles: int = 0
    index_ranges: bool = True
    faults: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """Who is served: keys, tokens and names, all made up and none of them worth anything."""

    consumer_key: str = "sandbox-consumer-key-4qk2m8"
    consumer_secret: str = "sandbox-consumer-secret-1f2e3d"  # noqa: S105 — it protects nothing
    access_token: str = "sandbox-access-token-7c6b5a"  # noqa: S105
    access_token_secret: str = "sandbox-token-secret-9z8y7x"  # noqa: S105
    application_name: str = "feedwatch at the sandbox"
    user_id: str = "T1sandboxUser.a1b2-"
    login_name: str = "jane"
    password: str = "let-me-in"  # noqa: S105
    tmdb_key: str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    first_name: str = "Jane"
    last_name: str = "Sandbox"
    allowed: bool = True
    feed_token: str = "T1sandbox.feed~token-0.x1y2--"  # noqa: S105
