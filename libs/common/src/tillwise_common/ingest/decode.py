"""From a request's body to what goes on the stream and what is refused, event by event.

The body is checked as a whole first, which is the common case and the fast one; only when something in it is
wrong is each event looked at by itself. What is accepted travels on as the client's own JSON.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tillwise_common.contracts import events
from tillwise_common.contracts.events import DEEPEST, Event, TooDeep, Unacceptable
from tillwise_common.ingest.flaws import Flaw, flaw_of
from tillwise_common.web.problems import Problem

Form = Literal["one", "array", "lines"]
_ANYTHING = msgspec.json.Decoder()
_WHOLE = msgspec.json.Decoder(msgspec.Raw)


class Rejection(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event that was refused; `index` counts from 0 over the events of the body (blank lines are none).

    `position` is the byte of the body at which it cannot be read any further.
    """

    index: int
    code: str
    detail: str
    position: int | None = None


class Decoded(msgspec.Struct, frozen=True):
    """What of a body is accepted (`count` events, as `body` in `form`) and what is not."""

    form: Form
    body: bytes
    count: int
    rejected: list[Rejection]


def decode(body: bytes, *, lines: bool, currency: str) -> Decoded:
    """Check the events of a body: one JSON object, a JSON array, or NDJSON (`lines`).

    Raises Problem 400 with the byte position when it is one event, or an array, and not JSON.
    """
    form: Form = "lines" if lines else "array" if body.lstrip()[:1] == b"[" else "one"
    try:
        found = _decode_all(body, form)
        if b"\\u0000" not in body:
            for event in found:
                events.check(event, currency)
            return Decoded(form, body, len(found), [])
    except (msgspec.DecodeError, Unacceptable, RecursionError, UnicodeDecodeError):
        # Something is wrong somewhere: find out what, one by one.
        pass
    return _decode_each(body, form, currency)


def _decode_all(body: bytes, form: Form) -> list[Event]:
    if form == "lines":
        return events.one.decode_lines(body)
    return events.many.decode(body) if form == "array" else [events.one.decode(body)]


def _decode_each(body: bytes, form: Form, currency: str) -> Decoded:
    good: list[bytes] = []
    rejected: list[Rejection] = []
    for index, (offset, raw) in enumerate(_split(body, form)):
        try:
            good.append(_one_line(raw, currency))
        except Unacceptable as problem:
            rejected.append(Rejection(index, problem.code, str(problem)))
        except Flaw as flaw:
            if form == "one" and flaw.code == "malformed_json":
                raise _unreadable(flaw) from None
            position = offset + flaw.position
            rejected.append(Rejection(index, flaw.code, f"{flaw.reason} (byte {position} of the body)", position))
    return Decoded("lines", b"\n".join(good), len(good), rejected)


def _split(body: bytes, form: Form) -> list[tuple[int, bytes]]:
    """Each event, and where it begins. Raises Problem for an array that cannot be taken apart."""
    if form == "one":
        return [(0, body)]
    if form == "lines":
        return _lines(body)
    try:
        raws = events.raw_many.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable(flaw_of(body, error, deepest=DEEPEST + 1)) from None
    found: list[tuple[int, bytes]] = []
    end = 0
    for raw in map(bytes, raws):
        # Between two events lies nothing that an event could begin with.
        begin = body.index(raw, end)
        end = begin + len(raw)
        found.append((begin, raw))
    return found


def _lines(body: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    begin = 0
    for line in body.split(b"\n"):
        if line.strip():
            found.append((begin, line))
        begin += len(line) + 1
    return found


def _one_line(raw: bytes, currency: str) -> bytes:
    """The event as one line of JSON. Raises Unacceptable, and Flaw when it cannot be read."""
    try:
        # That it is no JSON is told before what is wrong with its fields.
        _WHOLE.decode(raw)
        event = events.one.decode(raw)
        events.check(event, currency)
    except msgspec.ValidationError as error:
        raise Unacceptable("invalid_event", events.in_our_words(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TooDeep) as error:
        raise flaw_of(raw, error) from None
    if b"\\u0000" in raw and _has_nul(_ANYTHING.decode(raw)):
        raise Unacceptable("nul_character", "texts must not contain the NUL character (\\u0000)")
    # A pretty-printed event holds line breaks, which are not allowed where one line is one event.
    return msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_nul(part) for part in value)


def _unreadable(flaw: Flaw) -> Problem:
    told = "is not valid JSON:" if flaw.code == "malformed_json" else "is"
    return Problem(400, flaw.code, f"The body {told} {flaw.reason} (byte {flaw.position}).", position=flaw.position)
