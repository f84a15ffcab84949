"""From a request's body to what goes on the stream and what is refused, event by event.

The body is checked as a whole first, which is the common case and the fast one; only when something in it is
wrong is each event looked at by itself. What is accepted travels on as the client's own JSON.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from tillwise_common.contracts import events
from tillwise_common.contracts.events import Event, Unacceptable
from tillwise_common.web.problems import Problem

Form = Literal["one", "array", "lines"]
_POSITION = re.compile(r"\(byte (\d+)\)")
_ANYTHING = msgspec.json.Decoder()


class Rejection(msgspec.Struct, frozen=True):
    """One event that was refused; `index` counts from 0 over the events of the body."""

    index: int
    code: str
    detail: str


class Decoded(msgspec.Struct, frozen=True):
    """What of a body is accepted (`count` events, as `body` in `form`) and what is not."""

    form: Form
    body: bytes
    count: int
    rejected: list[Rejection]


def decode(body: bytes, *, lines: bool, currency: str) -> Decoded:
    """Check the events of a body: one JSON object, a JSON array, or NDJSON (`lines`).

    Raises Problem 400 with the byte position when it is not JSON.
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
    raws = _split(body, form)
    good: list[bytes] = []
    rejected: list[Rejection] = []
    malformed: list[Problem] = []
    for index, raw in enumerate(raws):
        try:
            good.append(_one_line(raw, currency))
        except Unacceptable as problem:
            rejected.append(Rejection(index, problem.code, str(problem)))
            if problem.code == "malformed_json":
                malformed.append(_malformed(str(problem), _offset(body, raw), len(raw)))
    if malformed and len(malformed) == len(raws):
        raise malformed[0]
    return Decoded("lines", b"\n".join(good), len(good), rejected)


def _split(body: bytes, form: Form) -> list[bytes]:
    if form == "lines":
        return [line for line in body.split(b"\n") if line.strip()]
    try:
        return [bytes(raw) for raw in events.raw_many.decode(body)] if form == "array" else [_whole(body)]
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(str(error), 0, len(body)) from None


def _whole(body: bytes) -> bytes:
    msgspec.json.Decoder(msgspec.Raw).decode(body)
    return body


def _one_line(raw: bytes, currency: str) -> bytes:
    """The event as one line of JSON. Raises Unacceptable."""
    try:
        event = events.one.decode(raw)
        events.check(event, currency)
    except msgspec.ValidationError as error:
        raise Unacceptable("invalid_event", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unacceptable("malformed_json", str(error)) from None
    except RecursionError:
        raise Unacceptable("too_deep", "the event is nested too deeply") from None
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


def _malformed(reason: str, offset: int, length: int) -> Problem:
    """Of a text of `length` bytes that begins at `offset`; what breaks off breaks at its end."""
    match = _POSITION.search(reason)
    position = offset + (int(match.group(1)) if match else length if "truncated" in reason else 0)
    detail = _POSITION.sub("", reason).strip().removeprefix("JSON is malformed: ")
    return Problem(400, "malformed_json", f"The body is not valid JSON: {detail} (byte {position}).", position=position)


def _offset(body: bytes, line: bytes) -> int:
    return max(body.find(line), 0)
