"""Opens what is to be imported: a plain or compressed file, or standard input; it is read as a stream, never whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from tillwise.imports.trouble import Trouble

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# A longer line is no line of a shop's export, and must not fill the memory.
LONGEST_LINE = 1_000_000

# Told by its first bytes rather than by its name, so that it works on standard input too.
_UNPACK: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": zstd.open,
    b"BZh": bz2.open,
}
_BROKEN = (EOFError, lzma.LZMAError, zlib.error, zstd.ZstdError, OSError)


class Source:
    """A file that is open for reading: its lines, its size and how far it was read (both as stored, compressed)."""

    def __init__(self, path: str, encoding: str = "utf-8") -> None:
        self.name = "standard input" if path == "-" else path
        self._raw = _open(path)
        self.size = _size(self._raw)
        self._text = self._decode("utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._raw.close()

    def position(self) -> int:
        """Bytes read so far, of `size`."""
        try:
            return self._raw.tell() if self.size and not self._raw.closed else 0
        except (OSError, ValueError):
            return 0

    def lines(self) -> Iterator[str]:
        """The lines with their ends. Raises Trouble when the file is broken (a download that was cut off, say).

        Bytes that are not text in this encoding arrive as lone surrogates, so that one bad line costs one line.
        """
        number = 0
        try:
            while line := self._text.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise Trouble(f"{self.name}: line {number:,} is longer than {LONGEST_LINE:,} characters; is this a text file?")
                yield line
        except _BROKEN as error:
            raise Trouble(
                f"{self.name} is broken after line {number:,} ({error}). Get it whole and import it again: nothing will count twice."
            ) from None

    def _decode(self, encoding: str) -> io.TextIOWrapper:
        try:
            magic = self._raw.peek(6)
            unpack = next((unpack for start, unpack in _UNPACK.items() if magic.startswith(start)), None)
            stream: Any = unpack(self._raw) if unpack else self._raw
            return io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline="")
        except LookupError:
            raise Trouble(f"Unknown encoding '{encoding}': use a name such as utf-8 or cp1252.") from None
        except OSError as error:
            raise Trouble(f"{self.name} cannot be read: {error.strerror or error}") from None


def _open(path: str) -> io.BufferedReader:
    if path == "-":
        return io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
    try:
        if Path(path).is_dir():
            raise Trouble(f"{path} is a folder; give one file.")
        return open(path, "rb")
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}") from None


def _size(raw: IO[bytes]) -> int:
    """The size of a regular file, 0 for anything that only flows."""
    try:
        return os.fstat(raw.fileno()).st_size if raw.seekable() else 0
    except (OSError, ValueError):
        return 0
