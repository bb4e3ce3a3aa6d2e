"""The Netflix API 1.5: its client, and what its addresses, statuses and signatures mean (docs/api.md).

Requests are made by whoever is handed in (`calling.SendCall`): this package opens no connection itself.
"""
