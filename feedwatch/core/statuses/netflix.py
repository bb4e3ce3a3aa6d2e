"""The statuses of the Netflix API 1.5, and what was seen beside them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from feedwatch.core.model import Reason
from feedwatch.core.statuses.rows import Action, Resource, Row, Service

# Of a table a row is to be seen at a glance.
# fmt: off

_row = partial(Row, Service.NETFLIX)
_seen = partial(Row, Service.NETFLIX, documented=False)

_KEY = "consumer_key in the configuration is not right: look it up in your account with the API"
_NAME = "the application's name is not the one that the API knows: look it up in your account with the API"

_SUCCESSES: Final = (
    _row(200, None, "", Action.PROCEED, None, "here it is", exact=False),
    _row(201, None, "Resource created", Action.PROCEED, None, "it has been made", exact=False),
    _row(201, 640, "Only some titles in the set were added.", Action.PROCEED, None,
         "only some of these titles were added: `feedwatch queue list` shows which", Resource.QUEUES),
    _row(304, None, "Resource not modified", Action.PROCEED, None, "nothing has changed", exact=False),
)

_BAD_REQUESTS: Final = (
    _row(400, None, "* is invalid", Action.FIX_REQUEST, Reason.BAD_REQUEST,
         "the server does not take one of the values: its message names it"),
    _row(400, None, "Cannot move a series parent title", Action.FIX_REQUEST, Reason.BAD_REQUEST,
         "a series as a whole has no place in a queue: name a season or an episode of it", Resource.QUEUES),
    _row(400, None, "Invalid format for this user", Action.GIVE_UP, Reason.BAD_REQUEST,
         "the subscription does not cover the form in which this title is to be had", Resource.QUEUES),
    _row(400, 120, "Query parameter max_results must be a positive integer.", Action.FIX_REQUEST,
         Reason.BAD_REQUEST, "the number of results to give must be a whole number of at least one"),
    _row(400, 130, "Title not found or not available", Action.GIVE_UP, Reason.BAD_REQUEST,
         "there is no such title, or it is not to be had: `feedwatch titles show` tells until when it can"
         " be", Resource.QUEUES),
    _row(400, 620, "Title is saved; cannot move it", Action.GIVE_UP, Reason.BAD_REQUEST,
         "it is saved until it can be had, and has no place to move to before", Resource.QUEUES),
    _row(400, 650, "Queue is too large", Action.FIX_REQUEST, Reason.BAD_REQUEST,
         "the queue is full: remove a title from it first", Resource.QUEUES),
    _row(400, 660, "Invalid title format", Action.FIX_REQUEST, Reason.BAD_REQUEST,
         "the server does not know this for a title: give its address in the catalog, or its number",
         Resource.QUEUES),
    _row(400, 690, "Title currently at home", Action.GIVE_UP, Reason.BAD_REQUEST,
         "it is at your home already: send it back before you ask for it again", Resource.QUEUES),
)

_SIGN_IN: Final = (Action.SIGN_IN_AGAIN, Reason.UNAUTHORIZED)
_FIX_KEY: Final = (Action.FIX_REQUEST, Reason.UNAUTHORIZED)
_NEW_TOKEN: Final = (Action.DISCOVER_ANEW, Reason.BAD_TOKEN)
_DEAD = "the server does not accept the sign-in any more: sign in again with `feedwatch login`"
_FEED_TOKEN = "the token in the feed's address has died: the account is asked for its feeds anew"  # noqa: S105

_REFUSALS: Final = (
    _row(401, None, "Access token is invalid", *_SIGN_IN, _DEAD),
    _row(401, None, "Access token validation failed", *_SIGN_IN, _DEAD),
    _row(401, None, "User ID is invalid", *_SIGN_IN,
         "the server knows no such user: sign in again with `feedwatch login`, without user_id in the"
         " configuration"),
    _row(401, None, "User ID access token mismatch", *_SIGN_IN,
         "the access token belongs to somebody else: sign in again with `feedwatch login`"),
    _row(401, None, "Bad feed token", *_NEW_TOKEN, _FEED_TOKEN, Resource.FEEDS),
    _row(401, None, "User not found", *_NEW_TOKEN, _FEED_TOKEN, Resource.FEEDS),
    _row(401, None, "Mismatch between user token and feed token", *_NEW_TOKEN, _FEED_TOKEN, Resource.FEEDS),
    _row(401, None, "Token resource mismatch", *_NEW_TOKEN, _FEED_TOKEN, Resource.FEEDS),
    _seen(401, None, "", *_NEW_TOKEN, _FEED_TOKEN, Resource.FEEDS, exact=False),
    _row(401, None, "Authorization failed", *_SIGN_IN,
         "the server did not let you in: sign in again, and look at the name and password that you give",
         Resource.LOGIN),
    _row(401, None, "User must accept terms of use.", *_SIGN_IN,
         "accept the service's terms of use on its own pages, then sign in again", Resource.LOGIN),
    _row(401, None, "Expired or bad request token", *_SIGN_IN,
         "the sign-in took too long, or was used already: begin again with `feedwatch login`",
         Resource.SIGNED),
    _row(401, None, "Missing Required Consumer Key", *_FIX_KEY, _KEY, Resource.SIGNED),
    _row(401, None, "Application name undefined", *_FIX_KEY, _NAME, Resource.SIGNED),
    _row(401, None, "Unable to find or verify access token credentials", *_SIGN_IN, _DEAD, Resource.SIGNED),
    _row(401, None, "Application name mismatch", *_FIX_KEY, _NAME, Resource.SIGNED),
    _row(401, None, "Consumer key mismatch", *_FIX_KEY, _KEY, Resource.SIGNED),
    _row(401, None, "Invalid signature", *_SIGN_IN,
         "the server does not accept the signature: sign in again with `feedwatch login`, and if it"
         " refuses that as well, look at consumer_secret in the configuration"),
    _seen(401, None, "Invalid signature", *_FIX_KEY,
         "consumer_secret in the configuration does not belong to consumer_key", Resource.OAUTH),
)

_LIMITED: Final = (Action.WAIT, Reason.RATE_LIMITED)
_TOO_OFTEN = "the server has been asked too often: it is asked again later"

# A few seconds, not one: whoever else shares the key fills the next second as well.
_FORBIDDEN: Final = (
    _row(403, None, "Invalid feed token*", *_NEW_TOKEN, _FEED_TOKEN, Resource.FEEDS),
    _seen(403, None, "*over * per second limit*", *_LIMITED, _TOO_OFTEN, rest=timedelta(seconds=5)),
    _seen(403, None, "*over * per minute limit*", *_LIMITED, _TOO_OFTEN, rest=timedelta(minutes=1)),
    _seen(403, None, "*over * per hour limit*", *_LIMITED, _TOO_OFTEN, rest=timedelta(hours=1)),
    _seen(403, None, "*over * per day limit*", *_LIMITED,
         "the server has been asked as often as it allows in a day: it is asked again tomorrow",
         until_day_ends=True),
    _seen(403, None, "", Action.GIVE_UP, Reason.FORBIDDEN, "the server denies access to it", exact=False),
)

_OTHERS: Final = (
    _row(404, None, "Resource not found", Action.GIVE_UP, Reason.NOT_FOUND, "the server does not have it",
         exact=False),
    _seen(404, 610, "", Action.GIVE_UP, Reason.NOT_FOUND,
         "it is not in the queue: `feedwatch queue list` shows what is", Resource.QUEUES),
    _row(412, None, "Precondition failed. Resource has been modified.", Action.FIX_REQUEST,
         Reason.CLIENT_ERROR, "the list has changed meanwhile: read it again, then try again", exact=False),
    _row(412, 710, "Title already in queue", Action.GIVE_UP, Reason.CLIENT_ERROR,
         "it is in the queue already: `feedwatch queue move` changes its place", Resource.QUEUES),
    _row(422, None, "Title has already been rated", Action.FIX_REQUEST, Reason.CLIENT_ERROR,
         "it has a rating already: change that one", Resource.RATINGS, exact=False),
    _row(500, None, "Internal error", Action.WAIT, Reason.SERVER_ERROR,
         "the server has a fault: mostly it works at the next try", exact=False),
    _seen(504, None, "", Action.WAIT, Reason.SERVER_ERROR,
         "the server did not answer itself in time: mostly it works at the next try", exact=False),
)

NETFLIX_ROWS: Final = (*_SUCCESSES, *_BAD_REQUESTS, *_REFUSALS, *_FORBIDDEN, *_OTHERS)
