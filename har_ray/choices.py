"""Values to choose from in YAML: a single one, which fixes it, or a list, which is searched."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

T = TypeVar("T")


def as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def distinct(values: list[Any]) -> list[Any]:
    """The same values; raises ValueError where one is listed twice."""
    repeated = [v for i, v in enumerate(values) if v in values[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is listed twice")
    return values


class OneOrMany:
    """In the JSON Schema: the list, or one of its items alone."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


Choices = Annotated[list[T], Field(min_length=1), AfterValidator(distinct), BeforeValidator(as_list), OneOrMany()]
"""`Choices[float]` accepts `0.5` and `[0.1, 0.5]`; both become a list."""
