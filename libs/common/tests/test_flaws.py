"""What cannot be read is told with the byte at which it breaks."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillwise_common.contracts.events import DEEPEST
from tillwise_common.ingest.decode import decode
from tillwise_common.ingest.flaws import flaw_of

ANY = msgspec.json.Decoder(msgspec.Raw)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner))
TEXTS = VALUES.map(lambda value: json.dumps(value).encode())
PIECES = st.sampled_from(["", "x", ",", '"', "]", "}", ":", "\\", "\\x", "\\ud800", "\\udc00", "\\u12", "\n", "-", "0", "e", "."]).map(
    str.encode
)


def refused(text: bytes) -> Exception | None:
    try:
        ANY.decode(text)
    except msgspec.DecodeError as error:
        return error
    return None


@given(text=TEXTS, piece=PIECES, share=st.floats(0, 1), cut=st.integers(0, 3))
def test_what_lies_before_the_flaw_is_the_beginning_of_something_whole(text, piece, share, cut):
    at = int(len(text) * share)
    broken = text[:at] + piece + text[at + cut :]
    error = refused(broken)
    if error is not None:
        position = flaw_of(broken, error).position
        assert 0 <= position <= len(broken)
        before = refused(broken[:position])
        # It breaks at its end, if it breaks.
        assert before is None or flaw_of(broken[:position], before).position == position


def event(value: bytes) -> bytes:
    return b'{"type":"customer.updated","occurred_at":"2026-03-02T10:00:00Z","data":{"customer_id":"c","x":%s}}' % value


@pytest.mark.parametrize("pairs", [b"", b"\\ud83d\\ude00", b"\\\\ud800", b"\\u00e9\\n"])
@pytest.mark.parametrize("lone", [b"\\ud800", b"\\udbff\\ud800", b"\\udc00", b"\\ud800\\u0041", b"\\ud800\\\\udc00", b"\\uD800 \\uDC00"])
def test_half_of_a_surrogate_pair_is_found_where_it_begins(pairs, lone):
    text = event(b'"' + pairs + lone + b'"')
    (rejection,) = decode(text, lines=True, currency="EUR").rejected
    assert (rejection.code, rejection.position) == ("malformed_json", text.index(b'"x":"') + 5 + len(pairs))
    assert "surrogate" in rejection.detail


@pytest.mark.parametrize("opening", [b"[", b'{"[":'])
def test_a_level_too_many_is_found_where_it_begins(opening):
    closing = b"]" if opening == b"[" else b"}"
    # The event and its data are two.
    fits, deep = (event(opening * levels + b"1" + closing * levels) for levels in (DEEPEST - 2, DEEPEST - 1))
    assert decode(fits, lines=False, currency="EUR").count == 1
    (rejection,) = decode(deep, lines=False, currency="EUR").rejected
    assert (rejection.code, rejection.position) == ("too_deep", deep.index(b'"x":') + 4 + len(opening) * (DEEPEST - 2))


def test_brackets_in_texts_are_no_levels():
    value = b'"%s\\"%s"' % (b"[" * 500, b"{" * 500)
    text = event(b"[" * (DEEPEST - 1) + value + b"]" * (DEEPEST - 1))
    (rejection,) = decode(text, lines=True, currency="EUR").rejected
    assert rejection.position == text.index(b'"x":') + 4 + DEEPEST - 2
