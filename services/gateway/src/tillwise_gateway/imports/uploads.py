"""A file on its way in: piece by piece to disk, never in memory, and no larger than allowed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote

from aiohttp import BodyPartReader, MultipartReader, web

from tillwise_common import logs
from tillwise_common.files.record import PIECE
from tillwise_common.web.problems import Problem
from tillwise_gateway.imports.media import MULTIPART, file_name

LARGEST_MAPPING = 64 * 1024
MOST_PARTS = 10
log = logs.get("import")


class Upload(NamedTuple):
    """What arrived: a file in the scratch folder, what it is called, and the mapping that came along."""

    path: Path
    name: str
    mapping: str


class Uploads:
    """Takes files in."""

    def __init__(self, scratch: Path, most_bytes: int) -> None:
        self._scratch, self._most = scratch, most_bytes

    async def take(self, request: web.Request) -> Upload:
        """The request's file; whoever takes it removes it. Raises Problem 400, 413, 415 or 422."""
        # Much of what is too large says so before any of it is read; the form around a file is small.
        if (request.content_length or 0) > self._most + 2 * LARGEST_MAPPING:
            raise self._too_large()
        path = self._scratch / f"{secrets.token_urlsafe(24)}.upload"
        try:
            if request.content_type == MULTIPART:
                return await self._form(request, path)
            said = request.query.get("file_name", "")
            name = file_name(request.content_type, request.headers.get("Content-Encoding", "").lower(), said)
            await self._write(path, request.content.iter_chunked(PIECE))
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
        return Upload(path, name, "")

    async def _form(self, request: web.Request, path: Path) -> Upload:
        name, mapping = "", ""
        try:
            reader = await request.multipart()
            for _ in range(MOST_PARTS):
                part = await reader.next()
                if part is None:
                    break
                if isinstance(part, MultipartReader) or part.name not in ("file", "mapping"):
                    raise Problem(422, "invalid_import", "A form has the parts `file` and, if need be, `mapping` (JSON).")
                if part.name == "mapping":
                    mapping = await _text(part)
                elif name:
                    raise Problem(422, "invalid_import", "A form has one file.")
                else:
                    name = file_name(part.headers.get("Content-Type", "").partition(";")[0].strip(), "", unquote(part.filename or ""))
                    await self._write(path, _pieces(part))
        except ValueError as error:
            raise Problem(400, "malformed_form", f"The form could not be read: {error}.") from None
        if not name:
            raise Problem(422, "invalid_import", "The form has no part `file`.")
        return Upload(path, name, mapping)

    async def _write(self, path: Path, pieces: AsyncIterator[bytes]) -> None:
        size = 0
        # Not buffered: a full disk is told by the piece that did not fit, and not when the file is closed.
        with await asyncio.to_thread(path.open, "wb", 0) as file:
            async for piece in pieces:
                size += len(piece)
                if size > self._most:
                    raise self._too_large()
                await asyncio.to_thread(_put, file, piece)
        if not size:
            raise Problem(422, "empty_body", "There is nothing in the file.")

    def _too_large(self) -> Problem:
        most = self._most // 1024**2
        return Problem(413, "file_too_large", f"A file may have {most} MB, packed or not: split it, or raise MAX_IMPORT_MEGABYTES.")


def _put(file: BinaryIO, piece: bytes) -> None:
    try:
        left = memoryview(piece)
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        log.error("upload_not_written", reason=str(error))
        raise Problem(
            507, "no_room", "There is no room for the file at the moment. Try again later.", headers={"Retry-After": "300"}
        ) from None


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PIECE):
        yield piece


async def _text(part: BodyPartReader) -> str:
    found = b""
    async for piece in _pieces(part):
        found += piece
        if len(found) > LARGEST_MAPPING:
            raise Problem(413, "mapping_too_large", f"A mapping has at most {LARGEST_MAPPING} bytes.")
    return found.decode("utf-8-sig")
