"""YAML → a frozen Config, or every problem at once, each with file, line and column.

```
a reading   bytes → yaml_source: nodes that know their places → schema: values → settings: Config
```

Nothing here shows a secret or repeats a line of the file. Secrets resolve when they are revealed.
"""

from feedwatch.config.durations import format_duration, format_size, parse_duration, parse_size
from feedwatch.config.loading import config_json_schema, load_config
from feedwatch.config.names import is_account_name
from feedwatch.config.places import find_config
from feedwatch.config.routes import RouteSettings, TemplateSet
from feedwatch.config.schema import (
    Account,
    FeedsAccount,
    FeedSettings,
    ListedFeed,
    NetflixAccount,
    OpmlAccount,
    PollSettings,
    PrivateNetworks,
    RetrySettings,
    Target,
)
from feedwatch.config.secrets import Secret
from feedwatch.config.settings import Config
from feedwatch.config.values import is_web_address

__all__ = [
    "Account",
    "Config",
    "FeedSettings",
    "FeedsAccount",
    "ListedFeed",
    "NetflixAccount",
    "OpmlAccount",
    "PollSettings",
    "PrivateNetworks",
    "RetrySettings",
    "RouteSettings",
    "Secret",
    "Target",
    "TemplateSet",
    "config_json_schema",
    "find_config",
    "format_duration",
    "format_size",
    "is_account_name",
    "is_web_address",
    "load_config",
    "parse_duration",
    "parse_size",
]
