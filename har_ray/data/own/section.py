"""What the sections of a descriptor have in common: no key that is not known, and text as text."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"YAML reads this as {value!r}; put the text in quotes")
    return str(value).strip()


Text = Annotated[str, BeforeValidator(_as_text)]
Name = Annotated[Text, Field(min_length=1)]
