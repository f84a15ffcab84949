"""Parameters of reports: texts of a query string into a typed struct, all problems at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

P = TypeVar("P", bound=msgspec.Struct)
_EMPTY_COUNTS = "empty_counts"
# No shop has data beyond these, and arithmetic with days ends somewhere.
FIRST_YEAR, LAST_YEAR = 1900, 2200
# A filter on a text. Given empty, it asks for what has none: orders without a channel, lines without a category.
Filter = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$", extra={_EMPTY_COUNTS: True})]


class InvalidParameters(Exception):
    """Parameters that cannot be used; `errors` names each with what is allowed."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(f"{e['parameter']}: {e['detail']}" for e in errors))
        self.errors = errors


def parse(kind: type[P], texts: dict[str, str], besides: Iterable[str] = ()) -> P:
    """The parameters as `kind`. An empty text means "not given", except of a Filter. Raises InvalidParameters.

    `besides` are parameters that others take: they are named when somebody asks for one that does not exist. A kind may say in
    `REFUSED` why it has none of a name that other reports take.
    """
    refused: dict[str, str] = getattr(kind, "REFUSED", {})
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    for name, text in texts.items():
        field = fields.get(name)
        if field is None:
            errors.append(
                {"parameter": name[:80], "detail": refused.get(name, "there is no such parameter"), "allowed": sorted({*fields, *besides})}
            )
            continue
        try:
            if text or _empty_counts(field.type):
                values[field.name] = _value(text, field.type)
        except msgspec.ValidationError as error:
            errors.append(_error(name, str(error), field.type))
    if errors:
        raise InvalidParameters(errors)
    return kind(**values)


def _value(text: str, kind: Any) -> Any:
    value = msgspec.convert(text, kind, strict=False)
    if value is None:
        raise msgspec.ValidationError("is no value: leave the parameter out instead")
    if isinstance(value, date) and not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise msgspec.ValidationError(f"must lie between {FIRST_YEAR}-01-01 and {LAST_YEAR}-12-31")
    return value


def schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON Schema of the parameters."""
    (_, components) = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    found: dict[str, Any] = components[kind.__name__]
    return found


def _empty_counts(kind: Any) -> bool:
    return any(isinstance(part, Meta) and (part.extra or {}).get(_EMPTY_COUNTS) for part in parts(kind))


def parts(kind: Any) -> Iterator[Any]:
    """A type and all that it is made of: what an Annotated says, the members of a union, the values of a Literal."""
    yield kind
    for part in get_args(kind):
        yield from parts(part)


def _error(name: str, detail: str, kind: Any) -> dict[str, Any]:
    if "RFC3339" in detail:
        detail = "must be a date such as 2026-03-31"
    if not (allowed := _choices(kind)):
        return {"parameter": name, "detail": detail}
    return {"parameter": name, "detail": "is not one of those there are", "allowed": allowed}


def _choices(kind: Any) -> list[Any]:
    """The values that a parameter may have, if they can be counted."""
    found = list(parts(kind))
    if bool in found:
        return ["true", "false"]
    return [choice for part in found if get_origin(part) is Literal for choice in get_args(part)]
