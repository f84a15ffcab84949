"""Places for finished files: whole or not there, each store's its own, and gone when they have expired."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from tillwise_common.contracts import jobs as contracts
from tillwise_common.files.bucket import Bucket
from tillwise_common.files.folder import Folder
from tillwise_common.files.place import place
from tillwise_common.files.record import NewFile
from tillwise_worker.jobs.sweep_files import SweepFiles

ID = "0123456789abcdefABCDEF_-"


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return Folder(tmp_path / "files") if request.param == "folder" else Bucket(MemoryStore())


def about(**changes: Any) -> NewFile:
    return NewFile(**{"id": ID, "store_id": 1, "name": "a.csv", "media_type": "text/csv", "seconds": 60, **changes})


def making(files: Any, body: bytes) -> Path:
    path = files.scratch() / f"made-{os.getpid()}"
    path.write_bytes(body)
    return path


async def read(files: Any, file: Any, begin: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in files.read(file, begin, file.size if end is None else end)])


async def test_a_file_comes_back_whole_and_in_parts_with_its_checksum(files):
    body = os.urandom(600_000)
    made = making(files, body)
    kept = await files.keep(made, about())
    assert (kept.size, kept.sha256, made.exists()) == (len(body), hashlib.sha256(body).hexdigest(), False)
    found = await files.find(ID, 1)
    assert found == kept
    assert await read(files, found) == body
    assert await read(files, found, 299_999, 300_001) == body[299_999:300_001]
    assert await read(files, found, 5, 5) == b""


async def test_another_stores_file_and_an_id_that_is_none_are_not_found(files):
    await files.keep(making(files, b"x"), about())
    assert await files.find(ID, 2) is None
    for wrong in ("../" + ID, "x", "", ID + "/..", "a" * 65):
        assert await files.find(wrong, 1) is None


async def test_what_has_expired_is_not_found_and_swept_away(files):
    await files.keep(making(files, b"old"), about(seconds=0))
    await files.keep(making(files, b"new"), about(id=ID + "2"))
    assert await files.find(ID, 1) is None
    assert await SweepFiles(files).run({}, contracts.SweepFiles()) == 1
    assert await files.find(ID + "2", 1) is not None
    assert await files.sweep() == 0


async def test_a_second_attempt_replaces_the_first(files):
    await files.keep(making(files, b"first"), about())
    again = await files.keep(making(files, b"second"), about())
    assert await read(files, again) == b"second"


async def test_what_was_begun_and_never_finished_is_swept_after_a_day(tmp_path):
    folder = Folder(tmp_path)
    begun, fresh = folder.scratch() / "begun", folder.scratch() / "fresh"
    for path in (begun, fresh, tmp_path / f"{ID}.data"):
        path.write_bytes(b"x")
    os.utime(begun, (0, 0))
    os.utime(tmp_path / f"{ID}.data", (0, 0))
    await folder.sweep()
    assert (begun.exists(), fresh.exists(), (tmp_path / f"{ID}.data").exists()) == (False, True, False)
    assert await folder.find(ID, 1) is None


def test_the_setting_says_where_files_are(tmp_path):
    assert isinstance(place(str(tmp_path)), Folder)
    assert isinstance(place("memory:///"), Bucket)
