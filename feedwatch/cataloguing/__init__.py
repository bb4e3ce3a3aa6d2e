"""The catalog of a server, to be had and to be searched.

`syncing` is one sync, start to finish; `commands` is who types it and what is said, `searching` what looks at
what is there, `places` which catalogs there may be, `progress` a bar on a terminal.
"""
