"""Forms from the parameters that a report says it has, and what somebody means who fills one in."""

from __future__ import annotations

from typing import Any, NamedTuple

from tillwise_common.contracts import groups

# What is counted from a day, and refused or pointless without it: the cell of a cohort, and the page of its customers.
BEYOND_A_DAY = ("offset", "page")
_YES_NO = [("", "–"), ("true", "Yes"), ("false", "No")]


class Field(NamedTuple):
    """A field of a form: `kind` is date, number, choice, filter or text; `choices` are (value, title)."""

    name: str
    label: str
    hint: str
    kind: str
    value: str
    choices: list[tuple[str, str]]
    least: Any = None
    most: Any = None
    # Whether its value is another one than when nothing is asked.
    is_set: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it stands in the first row: what one changes most. The others are a click away."""
        return self.kind in ("date", "choice")


def fields(schema: dict[str, Any], params: dict[str, Any]) -> list[Field]:
    """The fields of a question by the JSON Schema of its parameters, filled with what was asked."""
    return [_field(name, about, params.get(name)) for name, about in schema.get("properties", {}).items()]


def as_asked(schema: dict[str, Any], params: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    """`params` of an answer without the choices and numbers that the report settled because nobody did. Asked again from the form,
    they would contradict what is changed beside them: the level of segments a customer's, the weeks of a horizon days. Days stay.
    """
    settled = {
        name for name, about in schema.get("properties", {}).items()
        if _may_be_missing(about) and _kind(about) in ("choice", "number") and not asked.get(name)
    }  # fmt: skip
    return {name: value for name, value in params.items() if name not in settled}


def meant(typed: dict[str, str], schema: dict[str, Any]) -> dict[str, str]:
    """What a form means: a filter left empty is not set, and groups are typed as pages show them."""
    filters = {name for name, about in schema.get("properties", {}).items() if _kind(about) == "filter"}
    return {name: groups.meant(text) if name in filters else text for name, text in typed.items() if text or name not in filters}


def without_days(typed: dict[str, str], schema: dict[str, Any]) -> dict[str, str]:
    """The same question without its days: those of one store say little of another."""
    dropped = {name for name, about in schema.get("properties", {}).items() if _kind(about) == "date"} | set(BEYOND_A_DAY)
    return {name: text for name, text in typed.items() if name not in dropped}


def _field(name: str, about: dict[str, Any], value: Any) -> Field:
    said, kind, choices = _said(about), _kind(about), []
    if kind == "choice":
        named = [(str(one), str(one).replace("_", " ")) for one in said.get("enum", ())]
        choices = _YES_NO if not named else [("", "–"), *named] if _may_be_missing(about) else named
    text = groups.shown(value) if kind == "filter" and value is not None else _text(value)
    label = name.upper() if name == "sku" else name.replace("_", " ").capitalize()
    is_set = value is not None and value != about.get("default")
    return Field(name, label, about.get("description", ""), kind, text, choices, said.get("minimum"), said.get("maximum"), is_set)


def _kind(about: dict[str, Any]) -> str:
    said = _said(about)
    if "enum" in said or said.get("type") == "boolean":
        return "choice"
    if said.get("type") in ("integer", "number"):
        return "number"
    if said.get("format") == "date":
        return "date"
    # A text that may be missing chooses by what things are called; any other one has a form of its own.
    return "filter" if _may_be_missing(about) else "text"


def _said(about: dict[str, Any]) -> dict[str, Any]:
    """What the schema says of a value that is there."""
    return next((one for one in about.get("anyOf", [about]) if one.get("type") != "null"), {})


def _may_be_missing(about: dict[str, Any]) -> bool:
    return any(one.get("type") == "null" for one in about.get("anyOf", ()))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None else str(value)
