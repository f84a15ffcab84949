"""Opening files: what they are packed in, and what is wrong with them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tillwise_common.imports.files import open_lines
from tillwise_common.imports.problems import Unusable
from tillwise_common.imports.seen import Seen

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = "".join(f"line {n}\n" for n in range(5_000)).encode()
PACKED = pytest.mark.parametrize(
    ("suffix", "pack"), [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress), ("zst", zstd.compress)]
)


@PACKED
def test_packed_files_are_unpacked_on_the_way(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"orders.csv.{suffix}"
    path.write_bytes(pack(TEXT))
    with open_lines(path) as (lines, progress):
        assert sum(1 for _ in lines) == 5_000
        assert progress.done() == progress.size == path.stat().st_size


@PACKED
def test_packed_file_that_was_cut_off_says_so(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"orders.csv.{suffix}"
    packed = pack(TEXT)
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Unusable, match="is damaged or cut off"), open_lines(path) as (lines, _):
        list(lines)


@PACKED
def test_packed_file_that_is_none_says_so(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"orders.csv.{suffix}"
    path.write_bytes(TEXT)
    with pytest.raises(Unusable, match="is damaged or cut off"), open_lines(path) as (lines, _):
        list(lines)


def test_packed_file_with_flipped_bits_says_so(tmp_path: Path) -> None:
    for suffix, pack in (("gz", gzip.compress), ("xz", lzma.compress)):
        path = tmp_path / f"orders.csv.{suffix}"
        packed = bytearray(pack(TEXT))
        packed[len(packed) // 2] ^= 0xFF
        path.write_bytes(packed)
        with pytest.raises(Unusable, match="is damaged or cut off"), open_lines(path) as (lines, _):
            list(lines)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    with open_lines(Path("-")) as (lines, progress):
        assert sum(1 for _ in lines) == 5_000
        assert progress.size == 0


def test_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="No such file"), open_lines(tmp_path / "none"):
        pass


def test_seen_remembers_every_text_while_it_grows() -> None:
    seen = Seen()
    assert all(seen.add(str(n)) for n in range(20_000))
    assert not any(seen.add(str(n)) for n in range(20_000))
    assert len(seen) == 20_000


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(5):
            file.write(b"x" * 1_000_000)
    with open_lines(path) as (lines, _), pytest.raises(Unusable, match="line 1 is longer than 4,000,000 characters"):
        next(lines)
