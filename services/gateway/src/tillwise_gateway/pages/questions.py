"""Forms from the parameters that a report says it has, and what somebody means who fills one in."""

from __future__ import annotations

from typing import Any, NamedTuple

from tillwise_common.contracts import groups

FILTERS = ("channel", "country", "category", "sku")
_YES_NO = [("", "–"), ("true", "Yes"), ("false", "No")]


class Field(NamedTuple):
    """A field of a form: `kind` is date, number, choice or text; `choices` are (value, title)."""

    name: str
    label: str
    hint: str
    kind: str
    value: str
    choices: list[tuple[str, str]]
    least: Any = None
    most: Any = None

    @property
    def is_plain(self) -> bool:
        """Whether it stands in the first row: what one changes most. The others are a click away."""
        return self.kind in ("date", "choice")


def fields(schema: dict[str, Any], params: dict[str, Any]) -> list[Field]:
    """The fields of a question by the JSON Schema of its parameters, filled with what was asked."""
    return [_field(name, about, params.get(name)) for name, about in schema.get("properties", {}).items()]


def meant(typed: dict[str, str]) -> dict[str, str]:
    """What a form means: a field left empty is not set, and groups are typed as pages show them."""
    return {name: groups.meant(text) if name in FILTERS else text for name, text in typed.items() if text or name not in FILTERS}


def _field(name: str, about: dict[str, Any], value: Any) -> Field:
    kinds = [kind for kind in about.get("anyOf", [about]) if kind.get("type") != "null"]
    kind, optional = kinds[0] if kinds else {}, len(kinds) < len(about.get("anyOf", [about]))
    label, hint = name.replace("_", " ").capitalize(), about.get("description", "")
    if "enum" in kind:
        choices = [(str(one), str(one).replace("_", " ")) for one in kind["enum"]]
        return Field(name, label, hint, "choice", _text(value), ([("", "–")] if optional else []) + choices)
    if kind.get("type") == "boolean":
        return Field(name, label, hint, "choice", _text(value), _YES_NO)
    if kind.get("type") in ("integer", "number"):
        return Field(name, label, hint, "number", _text(value), [], kind.get("minimum"), kind.get("maximum"))
    if kind.get("format") == "date":
        return Field(name, label, hint, "date", _text(value), [])
    return Field(name, label, hint, "text", groups.shown(value) if name in FILTERS and value is not None else _text(value), [])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None else str(value)
