"""One message to one address of a service, and what became of it."""

from feedwatch.notify.notifier import SEND_WITHIN, Notifier
from feedwatch.notify.webhook import check_secret

__all__ = ["SEND_WITHIN", "Notifier", "check_secret"]
