"""Deadlines of what is under way, kept by one timer.

`asyncio.timeout` makes a timer for each, and nearly all that is asked is answered long before: making and
cancelling them was a twentieth of a request.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadlines:
    """Ends what is not done in time, as `asyncio.timeout` does. Of one event loop."""

    def __init__(self) -> None:
        self._running: dict[Deadline, None] = {}
        """Those under way, in the order in which they began."""
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> Deadline:
        """Give what its task has so long for, within a `with`: then it is cancelled, and a TimeoutError."""
        return Deadline(self, asyncio.get_running_loop().time() + seconds)

    def watch(self, deadline: Deadline) -> None:
        """Cancel the task of a deadline when it comes, unless it is let go of before."""
        self._running[deadline] = None
        if self._timer is None or deadline.at < self._timer.when():
            self._set_timer(deadline.at)

    def let_go(self, deadline: Deadline) -> None:
        """Watch a deadline no more. The timer stays: it is for the next as well."""
        self._running.pop(deadline, None)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._end_overdue)

    def _end_overdue(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for each in [each for each in self._running if each.at <= now]:
            del self._running[each]
            each.come()
        if self._running:
            self._set_timer(min(each.at for each in self._running))


class Deadline:
    """One deadline of one task, within a `with`; it ends with a TimeoutError if that took too long.

    Who else cancels the task is heard: then it is a CancelledError as ever.
    """

    __slots__ = ("_before", "_deadlines", "_has_come", "_task", "at")

    def __init__(self, deadlines: Deadlines, at: float) -> None:
        self.at = at
        self._deadlines = deadlines
        self._has_come = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = task.cancelling()
        self._deadlines.watch(self)

    def come(self) -> None:
        """Cancel the task."""
        self._has_come = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._deadlines.let_go(self)
        if self._has_come and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
