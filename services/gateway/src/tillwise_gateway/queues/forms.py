"""Forms made from the JSON Schema of a payload, and the payload that somebody means who fills one in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from tillwise_common.web.problems import Problem

PREFIX = "payload."
Look = Literal["text", "secret", "number", "tick", "choice", "json"]


class Field(NamedTuple):
    """A field of a form."""

    name: str
    label: str
    look: Look
    hint: str
    required: bool
    value: str
    choices: list[str]
    whole: bool = False

    @property
    def input(self) -> str:
        return PREFIX + self.name


def fields(schema: Mapping[str, Any], secret: tuple[str, ...] = ()) -> list[Field]:
    """The fields of a payload."""
    about = _object(schema)
    required = set(about.get("required", ()))
    return [_field(name, _resolved(schema, one), name in required, name in secret) for name, one in about.get("properties", {}).items()]


def meant(schema: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a form that was filled in: what is left empty is left out. Raises Problem 422 with the field."""
    found = {}
    for field in fields(schema):
        text = str(form.get(field.input, ""))
        if field.look == "tick":
            found[field.name] = bool(text)
        elif text.strip() or (field.required and field.look == "text"):
            found[field.name] = _value(field, text, schema)
    return found


def _value(field: Field, text: str, schema: Mapping[str, Any]) -> Any:
    if field.look == "choice":
        allowed = _said(_resolved(schema, _object(schema)["properties"][field.name])).get("enum", ())
        return next((one for one in allowed if str(one) == text), text)
    if field.look in ("number", "json"):
        return read_json(text, field.input)
    return text


def read_json(text: str, field: str) -> Any:
    """JSON that somebody typed. Raises Problem 422."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(422, "invalid_payload", f"{field}: this is not JSON ({error}).", field=field) from None


def _field(name: str, about: Mapping[str, Any], required: bool, secret: bool) -> Field:
    said, default = _said(about), about.get("default")
    look: Look = "secret" if secret and said.get("type") == "string" else _look(said)
    value = "" if default is None else default if isinstance(default, str) else msgspec.json.encode(default).decode()
    choices = [str(one) for one in said.get("enum", ())]
    label = name.replace("_", " ").capitalize()
    return Field(name, label, look, about.get("description", ""), required, value, choices, said.get("type") == "integer")


def _look(said: Mapping[str, Any]) -> Look:
    if "enum" in said:
        return "choice"
    looks: dict[Any, Look] = {"string": "text", "integer": "number", "number": "number", "boolean": "tick"}
    return looks.get(said.get("type"), "json")


def _object(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return _resolved(schema, schema)


def _resolved(schema: Mapping[str, Any], about: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference into the schema's definitions means."""
    name = about.get("$ref", "").rpartition("/")[2]
    if name:
        return {**schema.get("$defs", {})[name], **{key: value for key, value in about.items() if key != "$ref"}}
    if "anyOf" in about:
        return {**about, "anyOf": [_resolved(schema, one) for one in about["anyOf"]]}
    return about


def _said(about: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of a value that is there; of one that may be of several types nothing, so that it is typed as JSON."""
    there = [one for one in about.get("anyOf", [about]) if one.get("type") != "null"]
    said = dict(there[0]) if len(there) == 1 else {}
    if "enum" in said:
        said["enum"] = [one for one in said["enum"] if one is not None]
    return said
