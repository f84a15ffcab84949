"""Forms from the schemas of payloads, and payloads from forms; what people read."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from tillwise_common.web.problems import Problem
from tillwise_gateway.queues import forms, sparkline, words


class Inner(msgspec.Struct):
    a: int


class Wanted(msgspec.Struct):
    to: str
    copies: int
    share: float | None = None
    urgent: bool = False
    form: Literal["plain", "html"] = "plain"
    speed: Literal[1, 2] | None = None
    note: str | None = None
    inner: Inner | None = None
    tags: list[str] = []
    key: str = ""


SCHEMA = msgspec.json.schema(Wanted)


def test_every_type_of_field_has_its_look():
    found = {field.name: (field.look, field.required) for field in forms.fields(SCHEMA, ("key",))}
    assert found == {
        "to": ("text", True), "copies": ("number", True), "share": ("number", False), "urgent": ("tick", False), "form": ("choice", False),
        "speed": ("choice", False), "note": ("text", False), "inner": ("json", False), "tags": ("json", False), "key": ("secret", False),
    }  # fmt: skip


def test_a_form_that_is_filled_in_means_a_payload():
    form = {
        "payload.to": "ann", "payload.copies": "3", "payload.share": "0.5", "payload.urgent": "true", "payload.form": "html",
        "payload.speed": "2", "payload.note": "", "payload.inner": '{"a": 1}', "payload.tags": '["x"]',
    }  # fmt: skip
    meant = forms.meant(SCHEMA, form)
    assert meant == {
        "to": "ann", "copies": 3, "share": 0.5, "urgent": True, "form": "html", "speed": 2, "inner": {"a": 1}, "tags": ["x"],
    }  # fmt: skip
    assert msgspec.convert(meant, Wanted).inner == Inner(1)


def test_what_is_left_empty_is_as_the_kind_says():
    meant: dict[str, Any] = forms.meant(SCHEMA, {"payload.to": "ann", "payload.copies": "1"})
    assert msgspec.convert(meant, Wanted) == Wanted(to="ann", copies=1)


@pytest.mark.parametrize(("field", "text"), [("copies", "many"), ("inner", "{"), ("tags", "[" * 100_000)])
def test_what_is_typed_and_is_none_is_refused_by_field(field, text):
    with pytest.raises(Problem) as refused:
        forms.meant(SCHEMA, {"payload.to": "a", f"payload.{field}": text})
    assert refused.value.extra["field"] == f"payload.{field}"


def test_a_line_of_rates_is_drawn_to_scale_and_says_what_it_shows():
    drawn = str(sparkline.sparkline([0, 5, 10], [0, 0, 5], "a <b> c"))
    assert 'aria-label="a &lt;b&gt; c"' in drawn
    assert 'points="0.0,42.0 120.0,22.0 240.0,2.0"' in drawn
    assert 'class="failed" points="0.0,42.0 120.0,42.0 240.0,22.0"' in drawn
    assert 'class="failed"' not in sparkline.sparkline([1], [0], "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (-5, "5 s ago"), (90, "in 90 s"), (-180, "3 min ago"), (7200, "in 2 h"), (-86_400 * 3, "3 d ago")],
)
def test_moments_are_told_as_far_as_they_are_away(seconds, text):
    assert words.away(seconds) == text


def test_memory_is_told_in_its_largest_unit():
    told = [words.memory(size) for size in (0, 1023, 1536, 200 * 1024**2, 5 * 1024**4)]
    assert told == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "200 MiB",
        "5.0 TiB",
    ]
