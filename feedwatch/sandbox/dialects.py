"""The two ways in which the API spoke: as its reference has it, and as its later replies were seen."""

from __future__ import annotations

from collections.abc import Mapping

DIALECTS: Mapping[str, Mapping[str, str | bool]] = {
    "reference": {
        "id_host": "api.netflix.com",
        "later_dialect": False,
        "title_state_items": False,
        "limits_as_403": False,
        "json_numbers": False,
    },
    "wild": {
        "id_host": "api-public.netflix.com",
        "later_dialect": True,
        "title_state_items": True,
        "limits_as_403": True,
        "json_numbers": True,
    },
}
"""The switches that each dialect sets."""
