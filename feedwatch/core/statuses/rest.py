"""What a status means at any REST service, and so wherever a service has no row of its own."""

from __future__ import annotations

from functools import partial
from typing import Final

from feedwatch.core.model import Reason
from feedwatch.core.schedule import RATE_REST, SERVER_REST
from feedwatch.core.statuses.rows import Action, Row, Service

# Of a table a row is to be seen at a glance.
# fmt: off

_row = partial(Row, Service.REST, exact=False)
_seen = partial(Row, Service.REST, exact=False, documented=False)

REST_ROWS: Final = (
    _row(200, None, "", Action.PROCEED, None, "here it is"),
    _row(201, None, "", Action.PROCEED, None,
         "it has been made; its address is in the Location header, if there is one"),
    _row(202, None, "", Action.PROCEED, None,
         "it has been taken, and will be done later: no address tells of it"),
    _row(204, None, "", Action.PROCEED, None, "it is done, and there is no more to say"),
    _row(302, None, "", Action.PROCEED, None,
         "it is elsewhere for now: the Location header says where, and it is asked for there"),
    _row(400, None, "", Action.FIX_REQUEST, Reason.BAD_REQUEST,
         "the server does not understand the request"),
    _row(401, None, "", Action.SIGN_IN_AGAIN, Reason.UNAUTHORIZED,
         "the server does not accept the sign-in any more: sign in again"),
    _seen(403, None, "", Action.GIVE_UP, Reason.FORBIDDEN, "the server denies access to it"),
    _row(404, None, "", Action.GIVE_UP, Reason.NOT_FOUND, "the server does not have it"),
    _row(405, None, "", Action.FIX_REQUEST, Reason.CLIENT_ERROR,
         "the server does not take this method here: its Allow header names those that it takes"),
    _seen(410, None, "", Action.GIVE_UP, Reason.GONE, "it is gone for good"),
    _row(422, None, "", Action.FIX_REQUEST, Reason.CLIENT_ERROR,
         "the server does not take one of the values"),
    _row(429, None, "", Action.WAIT, Reason.RATE_LIMITED,
         "the server has been asked too often: it is asked again later", rest=RATE_REST),
    _row(500, None, "", Action.WAIT, Reason.SERVER_ERROR, "the server has a fault"),
    _seen(502, None, "", Action.WAIT, Reason.SERVER_ERROR,
         "the server did not reach another that it needs"),
    _row(503, None, "", Action.WAIT, Reason.UNAVAILABLE,
         "the server is not available: it is asked again in two minutes at the earliest", rest=SERVER_REST),
    _seen(504, None, "", Action.WAIT, Reason.SERVER_ERROR,
         "the server did not hear in time from another that it needs"),
)
