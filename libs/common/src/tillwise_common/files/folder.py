"""Files in a folder that the worker and the gateways share."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from tillwise_common.files.record import PIECE, NewFile, StoredFile, decode, described, encode, is_id, seen_by

# What was begun this long ago, nobody makes any more.
ABANDONED_SECONDS = 24 * 3600.0


class Folder:
    """Each file beside a note of what it is; the note comes last, and without it there is no file."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._scratch = folder, folder / "unfinished"

    def scratch(self) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._scratch

    async def keep(self, made: Path, about: NewFile) -> StoredFile:
        return await asyncio.to_thread(self._keep, made, about)

    async def find(self, file_id: str, store_id: int) -> StoredFile | None:
        if not is_id(file_id):
            return None
        found = await asyncio.to_thread(_note, self._note(file_id))
        return None if found is None else seen_by(found, store_id)

    async def read(self, file: StoredFile, begin: int, end: int) -> AsyncIterator[bytes]:
        # Opened once: what is swept meanwhile can be read to its end.
        with await asyncio.to_thread(self._data(file.id).open, "rb") as source:
            source.seek(begin)
            while begin < end:
                piece = await asyncio.to_thread(source.read, min(PIECE, end - begin))
                if not piece:
                    raise OSError("the file is shorter than it was")
                begin += len(piece)
                yield piece

    async def remove(self, file_id: str) -> None:
        if is_id(file_id):
            await asyncio.to_thread(self._remove, self._note(file_id))

    async def sweep(self) -> int:
        return await asyncio.to_thread(self._sweep)

    def _keep(self, made: Path, about: NewFile) -> StoredFile:
        found = described(made, about)
        _sync(made)
        made.replace(self._data(about.id))
        beside = self.scratch() / f"{about.id}.json"
        beside.write_bytes(encode(found))
        _sync(beside)
        beside.replace(self._note(about.id))
        return found

    def _sweep(self) -> int:
        gone = 0
        for path in self._folder.glob("*.json"):
            found = _note(path)
            if found is None or found.expired:
                self._remove(path)
                gone += 1
        old = time.time() - ABANDONED_SECONDS
        for path in [*self.scratch().iterdir(), *(one for one in self._folder.glob("*.data") if not one.with_suffix(".json").exists())]:
            if path.is_file() and path.stat().st_mtime < old:
                path.unlink(missing_ok=True)
        return gone

    @staticmethod
    def _remove(note: Path) -> None:
        # The note first: without it nobody begins to read.
        note.unlink(missing_ok=True)
        note.with_suffix(".data").unlink(missing_ok=True)

    def _data(self, file_id: str) -> Path:
        return self._folder / f"{file_id}.data"

    def _note(self, file_id: str) -> Path:
        return self._folder / f"{file_id}.json"


def _note(path: Path) -> StoredFile | None:
    try:
        return decode(path.read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
