"""Every status that a service can answer with, and what we do about it: one table, without a default.

The rows are those of the Netflix API (status, sub code, message, resource), of REST services in general, and
of TMDB; with them stand those that no document has and servers were seen to give (`documented` is False). A
code that stands in none of them is an action of its own, and whoever judges it logs it.

How a row is found (`judge_status`): a code that came with the status decides alone, for the message beside
it varies. Without one (servers often leave it out) the message does. It is compared without regard to case,
to blanks and to a full stop at its end, for servers differ in these; in a row, `*` stands for any text. A row
that is not `exact` holds for its status whatever the message says. The row of the very resource goes before
that of signed calls, and that before the one of all. Where the API's own rows have none, those of REST
services count: they are what a status means to everybody.

What went wrong before there was a status to read, or after it, has no row: `actions_of_reasons` has these.
What fetches (`fetch.failures`) gives every status a reason before anybody has read the body: it is that of
the row for REST services, and stays that of an answer without a row.
"""

from feedwatch.core.statuses.judging import ROWS, actions_of_reasons, judge_status
from feedwatch.core.statuses.rows import Action, Resource, Row, Service

__all__ = ["ROWS", "Action", "Resource", "Row", "Service", "actions_of_reasons", "judge_status"]
