"""Packed bodies: unpacked within a limit, and as a whole or not at all.

aiohttp would unpack by itself, but takes what arrived of a body that broke off for all of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from backports import zstd

# Packed files may be strung together, but each one costs a copy of the rest.
MOST_PARTS = 100


class Broken(ValueError):
    """The body is not what its encoding says, or not all of it."""


class TooLarge(ValueError):
    """Unpacked, the body is larger than the limit."""


def _deflate(body: bytes) -> Any:
    # RFC 9110 means zlib's format; some clients send the bare stream (as RFC 1951).
    return zlib.decompressobj(zlib.MAX_WBITS if body[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS)


_UNPACKERS: dict[str, Callable[[bytes], Any]] = {
    "gzip": lambda _: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "deflate": _deflate,
    "zstd": lambda _: zstd.ZstdDecompressor(),
}
ENCODINGS = frozenset(_UNPACKERS)


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The bytes that `body` packs, at most `limit` of them. Raises Broken and TooLarge."""
    found, parts = b"", 0
    while body:
        parts += 1
        if parts > MOST_PARTS:
            raise Broken
        unpacker = _UNPACKERS[encoding](body)
        try:
            # One more than allowed, so that what fits exactly is told from what does not.
            found += unpacker.decompress(body, limit + 1 - len(found))
        except (zlib.error, zstd.ZstdError, EOFError) as error:
            raise Broken from error
        if len(found) > limit:
            raise TooLarge
        if not unpacker.eof:
            raise Broken
        body = unpacker.unused_data
    return found
