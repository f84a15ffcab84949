"""Opens files as lines of text, whatever they are packed in, without ever reading them whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tillwise_common.imports.problems import Unusable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


LONGEST_LINE = 4_000_000


@contextmanager
def open_lines(path: Path) -> Iterator[tuple[Iterator[str], Progress]]:
    """The lines of a file (`-`: standard input), and how far into its bytes they have come.

    Bytes that are not UTF-8 become lone surrogates, so that their line can be told.
    Raises Unusable for a file that cannot be read or unpacked.
    """
    try:
        raw: IO[bytes] = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror}") from None
    with raw:
        progress = Progress(raw, 0 if raw is sys.stdin.buffer else path.stat().st_size)
        text = io.TextIOWrapper(_unpacked(path.suffix, raw), encoding="utf-8-sig", errors="surrogateescape", newline="")
        yield _read(path, text), progress


def _read(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    """The lines; errors of reading become Unusable here, so that no other error is taken for one."""
    number = 0
    try:
        # A line that never ends would fill the memory.
        while line := text.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise Unusable(f"{path} line {number} is longer than {LONGEST_LINE:,} characters: is this a file of lines?")
            yield line
    except (EOFError, lzma.LZMAError, zlib.error, zstd.ZstdError, OSError) as error:
        raise Unusable(f"{path} is damaged or cut off: {error}") from None


class Progress:
    """How many bytes of a file have been read."""

    def __init__(self, raw: IO[bytes], size: int) -> None:
        self._raw, self.size = raw, size

    def done(self) -> int:
        return self._raw.tell() if self.size and not self._raw.closed else self.size


def _unpacked(suffix: str, raw: IO[bytes]) -> Any:
    match suffix.lower():
        case ".gz":
            return gzip.GzipFile(fileobj=raw)
        case ".xz":
            return lzma.LZMAFile(raw)
        case ".bz2":
            return bz2.BZ2File(raw)
        case ".zst":
            return zstd.ZstdFile(raw)
    return raw
