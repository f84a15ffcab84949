"""Where a text stops being JSON that can be read, to the byte: the decoder does not always say."""

from __future__ import annotations

import re

from tillwise_common.contracts.events import DEEPEST, TooDeep

_POSITION = re.compile(r" ?\(byte (\d+)\)")
# Strings, which may hold brackets, and the brackets outside of them. Possessive, since a body may be one long string.
_NESTING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_ESCAPES = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
TRUNCATED = "Input data was truncated"


class Flaw(Exception):
    """Why a text cannot be read, and at which of its bytes; `code` is stable."""

    def __init__(self, code: str, reason: str, position: int) -> None:
        super().__init__(reason)
        self.code, self.reason, self.position = code, reason, position


def flaw_of(text: bytes, error: Exception, *, deepest: int = DEEPEST) -> Flaw:
    """The flaw of a text that a decoder refused with `error`; `deepest` is how many levels it may have."""
    if isinstance(error, RecursionError | TooDeep):
        return Flaw("too_deep", f"nested deeper than {DEEPEST} levels", _too_deep(text, deepest))
    if isinstance(error, UnicodeDecodeError):
        return Flaw("malformed_json", "invalid UTF-8", _invalid_utf8(text))
    reason, position = _told(str(error), len(text))
    lone = _lone_surrogate(text)
    if lone is not None and lone < position:
        # A pair is no error, so nothing before `position` is one but this.
        return Flaw("malformed_json", "an escape that is half of a surrogate pair", lone)
    return Flaw("malformed_json", reason, position)


def _told(said: str, length: int) -> tuple[str, int]:
    """The decoder's own reason and position; what breaks off breaks at the end."""
    if said == TRUNCATED:
        return said, length
    match = _POSITION.search(said)
    reason = _POSITION.sub("", said).removeprefix("JSON is malformed: ")
    # Of these it tells the byte behind.
    behind = reason == "trailing characters"
    return reason, int(match.group(1)) - behind if match else 0


def _invalid_utf8(text: bytes) -> int:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _too_deep(text: bytes, deepest: int) -> int:
    """Where the first list or object begins that lies deeper than `deepest` levels."""
    depth = 0
    for token in _NESTING.finditer(text):
        kind = token.group()[:1]
        if kind in b"[{":
            depth += 1
            if depth > deepest:
                return token.start()
        elif kind in b"]}":
            depth -= 1
    return 0


def _lone_surrogate(text: bytes) -> int | None:
    """Where the first escape lies that is half of a surrogate pair without the other half right behind it."""
    high: re.Match[bytes] | None = None
    for escape in _ESCAPES.finditer(text):
        code = int(escape.group(1) or b"0", 16)
        low = 0xDC00 <= code < 0xE000
        if high is not None and not (low and escape.start() == high.end()):
            return high.start()
        if low and high is None:
            return escape.start()
        high = escape if 0xD800 <= code < 0xDC00 else None
    return None if high is None else high.start()
