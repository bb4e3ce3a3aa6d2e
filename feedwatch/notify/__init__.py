"""One message to one address of a service, and what became of it."""

from feedwatch.notify.notifier import SEND_WITHIN, Notifier
from feedwatch.notify.stamps import stamp_addresses
from feedwatch.notify.webhook import check_secret

__all__ = ["SEND_WITHIN", "Notifier", "check_secret", "stamp_addresses"]
