"""What all sections of a configuration have in common."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from feedwatch.config.nodes import MappingNode, ScalarNode
from feedwatch.config.values import wrap_one

ONE_OR_MORE = BeforeValidator(wrap_one)


class Section(BaseModel):
    """A mapping with known keys; any other key is a problem."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _note_known_keys(cls, value: Any) -> Any:
        """Leave the known keys with the node, for the problem of one that is not."""
        if isinstance(value, MappingNode):
            value.known_keys = _known_keys_of(cls)
        return {} if isinstance(value, ScalarNode) and value.absent else value


@cache
def _known_keys_of(section: type[Section]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in section.model_fields.items())


def is_text(value: Any) -> bool:
    """Whether a text was written where a mapping may stand, too."""
    return isinstance(value, ScalarNode) and not value.absent
