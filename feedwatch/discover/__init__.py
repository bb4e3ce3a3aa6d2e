"""From accounts to the feeds they have: who is asked when, one discovery start to finish."""

from feedwatch.discover.asking import Asking, DiscoveryReport, discover_account
from feedwatch.discover.discoverer import Discoverer

__all__ = ["Asking", "Discoverer", "DiscoveryReport", "discover_account"]
