"""A first configuration: questions on a terminal, each answer tried at once, and files a person would write.

```
guide   accounts · targets: questions → draft: the text and its secrets → trying: really asked, really sent
        → placing: put in place, whole or not at all → unit: a service of the person's own
```
"""

from feedwatch.starting.guide import guide_start

__all__ = ["guide_start"]
