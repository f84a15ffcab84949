"""Files in an S3-compatible bucket, or in whatever else obstore knows."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import obstore
from obstore.store import ObjectStore, from_url

from tillwise_common.files.record import PIECE, NewFile, StoredFile, decode, described, encode, is_id, seen_by


class Bucket:
    """Each file beside a note of what it is, as in a folder; a bucket shows an object whole or not at all."""

    def __init__(self, store: ObjectStore, prefix: str = "exports/") -> None:
        self._store, self._prefix = store, prefix

    def scratch(self) -> Path:
        found = Path(tempfile.gettempdir()) / "tillwise-exports"
        found.mkdir(mode=0o700, exist_ok=True)
        return found

    async def keep(self, made: Path, about: NewFile) -> StoredFile:
        found = await asyncio.to_thread(described, made, about)
        await obstore.put_async(self._store, self._data(about.id), made)
        await obstore.put_async(self._store, self._note(about.id), encode(found))
        await asyncio.to_thread(made.unlink, missing_ok=True)
        return found

    async def find(self, file_id: str, store_id: int) -> StoredFile | None:
        found = await self._noted(self._note(file_id)) if is_id(file_id) else None
        return None if found is None else seen_by(found, store_id)

    async def read(self, file: StoredFile, begin: int, end: int) -> AsyncIterator[bytes]:
        if begin >= end:
            return
        answer = await obstore.get_async(self._store, self._data(file.id), options={"range": (begin, end)})
        async for piece in answer.stream(min_chunk_size=PIECE):
            yield bytes(piece)

    async def remove(self, file_id: str) -> None:
        if is_id(file_id):
            # An object that is not there can be deleted, too, in S3; a folder behind the same library says so.
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, [self._note(file_id), self._data(file_id)])

    async def sweep(self) -> int:
        gone = 0
        async for page in obstore.list(self._store, self._prefix):
            for one in page:
                path = str(one["path"])
                found = await self._noted(path) if path.endswith(".json") else None
                if found is not None and found.expired:
                    await obstore.delete_async(self._store, [path, self._data(found.id)])
                    gone += 1
        return gone

    async def _noted(self, path: str) -> StoredFile | None:
        try:
            answer = await obstore.get_async(self._store, path)
            return decode(bytes(await answer.bytes_async()))
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def _data(self, file_id: str) -> str:
        return f"{self._prefix}{file_id}.data"

    def _note(self, file_id: str) -> str:
        return f"{self._prefix}{file_id}.json"


def bucket(url: str, **options: Any) -> Bucket:
    """The bucket of an address such as s3://NAME; the rest is taken from AWS_* in the environment, as S3's clients do."""
    return Bucket(from_url(url, **options))
