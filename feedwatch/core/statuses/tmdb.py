"""The statuses of TMDB's API, all of them: its own codes, each with the HTTP status that bears it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from feedwatch.core.model import Reason
from feedwatch.core.schedule import SERVER_REST
from feedwatch.core.statuses.rows import Action, Row, Service

# Of a table a row is to be seen at a glance.
# fmt: off

_row = partial(Row, Service.TMDB)

_DONE: Final = (Action.PROCEED, None)
_BAD: Final = (Action.FIX_REQUEST, Reason.BAD_REQUEST)
_KEY: Final = (Action.FIX_REQUEST, Reason.UNAUTHORIZED)
_SIGN_IN: Final = (Action.SIGN_IN_AGAIN, Reason.UNAUTHORIZED)
_BARRED: Final = (Action.GIVE_UP, Reason.UNAUTHORIZED)
_MISSING: Final = (Action.GIVE_UP, Reason.NOT_FOUND)
_FAULT: Final = (Action.WAIT, Reason.SERVER_ERROR)
_AWAY: Final = (Action.WAIT, Reason.UNAVAILABLE)
_REFUSED: Final = (Action.FIX_REQUEST, Reason.CLIENT_ERROR)

TMDB_ROWS: Final = (
    _row(200, 1, "Success.", *_DONE, "it is done"),
    _row(501, 2, "Invalid service: this service does not exist.", Action.GIVE_UP, Reason.SERVER_ERROR,
         "TMDB does not offer this"),
    _row(401, 3, "Authentication failed: You do not have permissions to access the service.", *_KEY,
         "the API key may not be used for this: look at tmdb.api_key in the configuration"),
    _row(405, 4, "Invalid format: This service doesn't exist in that format.", *_REFUSED,
         "TMDB does not give this in the form asked for"),
    _row(422, 5, "Invalid parameters: Your request parameters are incorrect.", *_REFUSED,
         "TMDB does not take one of the values"),
    _row(404, 6, "Invalid id: The pre-requisite id is invalid or not found.", *_MISSING,
         "TMDB has nothing of that number"),
    _row(401, 7, "Invalid API key: You must be granted a valid key.", *_KEY,
         "TMDB does not know the API key: look at tmdb.api_key in the configuration"),
    _row(403, 8, "Duplicate entry: The data you tried to submit already exists.", Action.GIVE_UP,
         Reason.FORBIDDEN, "TMDB has it already"),
    _row(503, 9, "Service offline: This service is temporarily offline, try again later.", *_AWAY,
         "TMDB is offline for now", rest=SERVER_REST),
    _row(401, 10, "Suspended API key: Access to your account has been suspended, contact TMDB.", *_BARRED,
         "TMDB has suspended the API key: ask TMDB why"),
    _row(500, 11, "Internal error: Something went wrong, contact TMDB.", *_FAULT, "TMDB has a fault"),
    _row(201, 12, "The item/record was updated successfully.", *_DONE, "it has been changed"),
    _row(200, 13, "The item/record was deleted successfully.", *_DONE, "it has been deleted"),
    _row(401, 14, "Authentication failed.", *_KEY,
         "TMDB does not accept the API key: look at tmdb.api_key in the configuration"),
    _row(500, 15, "Failed.", *_FAULT, "TMDB has a fault"),
    _row(401, 16, "Device denied.", *_BARRED, "TMDB does not let this device in"),
    _row(401, 17, "Session denied.", *_SIGN_IN, "TMDB does not accept the session: a new one is needed"),
    _row(400, 18, "Validation failed.", *_BAD, "TMDB does not take one of the values"),
    _row(406, 19, "Invalid accept header.", *_REFUSED, "TMDB does not give the form asked for"),
    _row(422, 20, "Invalid date range: Should be a range no longer than 14 days.", *_REFUSED,
         "a range of dates may span 14 days at most"),
    _row(200, 21, "Entry not found: The item you are trying to edit cannot be found.", *_MISSING,
         "TMDB does not have what was to be changed"),
    _row(400, 22, "Invalid page: Pages start at 1 and max at 1000. They are expected to be an integer.",
         *_BAD, "a page is a whole number from 1 to 1000"),
    _row(400, 23, "Invalid date: Format needs to be YYYY-MM-DD.", *_BAD, "a date is written as 2026-11-30"),
    _row(504, 24, "Your request to the backend server timed out. Try again.", *_FAULT,
         "TMDB did not answer itself in time"),
    _row(429, 25, "Your request count (*) is over the allowed limit of (*).", Action.WAIT,
         Reason.RATE_LIMITED, "TMDB has been asked too often: it counts the requests of ten seconds",
         rest=timedelta(seconds=10)),
    _row(400, 26, "You must provide a username and password.", *_BAD,
         "TMDB wants a name and a password for this"),
    _row(400, 27, "Too many append to response objects: The maximum number of remote calls is 20.", *_BAD,
         "at most 20 answers can be had in one"),
    _row(400, 28, "Invalid timezone: Please consult the documentation for a valid timezone.", *_BAD,
         "TMDB does not know the time zone"),
    _row(400, 29, "You must confirm this action: Please provide a confirm=true parameter.", *_BAD,
         "TMDB wants this to be confirmed"),
    _row(401, 30, "Invalid username and/or password: You did not provide a valid login.", *_SIGN_IN,
         "TMDB does not accept the name and password"),
    _row(401, 31, "Account disabled: Your account is no longer active. Contact TMDB if this is an error.",
         *_BARRED, "TMDB has closed the account: ask TMDB why"),
    _row(401, 32, "Email not verified: Your email address has not been verified.", *_BARRED,
         "TMDB waits for the address of the account to be confirmed"),
    _row(401, 33, "Invalid request token: The request token is either expired or invalid.", *_SIGN_IN,
         "the sign-in took too long, or was used already: begin again"),
    _row(404, 34, "The resource you requested could not be found.", *_MISSING, "TMDB does not have it"),
    _row(401, 35, "Invalid token.", *_SIGN_IN, "TMDB does not accept the token: a new one is needed"),
    _row(401, 36, "This token hasn't been granted write permission by the user.", *_SIGN_IN,
         "the token may only read: one that may write is needed"),
    _row(404, 37, "The requested session could not be found.", Action.SIGN_IN_AGAIN, Reason.NOT_FOUND,
         "TMDB does not know the session: a new one is needed"),
    _row(401, 38, "You don't have permission to edit this resource.", *_BARRED,
         "it belongs to somebody else, and only they may change it"),
    _row(401, 39, "This resource is private.", *_BARRED, "it is private"),
    _row(200, 40, "Nothing to update.", *_DONE, "it was so already"),
    _row(422, 41, "This request token hasn't been approved by the user.", Action.SIGN_IN_AGAIN,
         Reason.CLIENT_ERROR, "the sign-in was not confirmed: begin again"),
    _row(405, 42, "This request method is not supported for this resource.", *_REFUSED,
         "TMDB does not take this method here"),
    _row(502, 43, "Couldn't connect to the backend server.", *_FAULT,
         "TMDB did not reach another server that it needs"),
    _row(500, 44, "The ID is invalid.", *_MISSING, "TMDB has nothing of that number"),
    _row(403, 45, "This user has been suspended.", Action.GIVE_UP, Reason.FORBIDDEN,
         "TMDB has suspended the account: ask TMDB why"),
    _row(503, 46, "The API is undergoing maintenance. Try again later.", *_AWAY, "TMDB is being worked on",
         rest=SERVER_REST),
    _row(400, 47, "The input is not valid.", *_BAD, "TMDB does not take what it was given"),
)
