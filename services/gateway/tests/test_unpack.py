"""Packed bodies are taken whole or not at all, and never above the limit."""

from __future__ import annotations

import gzip
import zlib

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from tillwise_gateway.ingest.unpack import MOST_PARTS, Broken, TooLarge, unpack


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS = [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", bare), ("zstd", zstd.compress)]
packed = pytest.mark.parametrize(("encoding", "pack"), PACKERS)


@packed
@given(data=st.binary(max_size=400))
def test_what_was_packed_comes_out(encoding, pack, data):
    assert unpack(pack(data), encoding, 400) == data


@packed
@given(data=st.binary(min_size=1, max_size=400), share=st.floats(0, 1, exclude_max=True))
def test_every_cut_is_noticed(encoding, pack, data, share):
    whole = pack(data)
    cut = whole[: int(len(whole) * share)]
    if cut:
        with pytest.raises(Broken):
            unpack(cut, encoding, 400)


@pytest.mark.parametrize("missing", range(1, 9))
def test_a_missing_checksum_is_noticed(missing):
    with pytest.raises(Broken):
        unpack(gzip.compress(b"event")[:-missing], "gzip", 400)


@packed
def test_the_limit_is_of_what_is_unpacked(encoding, pack):
    assert len(unpack(pack(b"x" * 1000), encoding, 1000)) == 1000
    with pytest.raises(TooLarge):
        unpack(pack(b"x" * 1001), encoding, 1000)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_files_strung_together_are_one_body_and_too_many_are_refused(encoding, pack):
    assert unpack(pack(b"one\n") + pack(b"two\n"), encoding, 100) == b"one\ntwo\n"
    with pytest.raises(TooLarge):
        unpack(pack(b"x" * 60) + pack(b"y" * 60), encoding, 100)
    with pytest.raises(Broken):
        unpack(pack(b"") * (MOST_PARTS + 1), encoding, 100)


@packed
def test_rubbish_behind_or_instead_is_refused(encoding, pack):
    for body in (b"rubbish", pack(b"fine") + b"\xffrubbish"):
        with pytest.raises(Broken):
            unpack(body, encoding, 100)
