"""A finished file on its way to a client: resumable, with a checksum, as a download."""

from __future__ import annotations

import base64
import re

from aiohttp import web

from tillwise_common.files.record import Files, StoredFile
from tillwise_gateway.exports.ranges import Part, Unsatisfiable, part

# What a name of a file in a header cannot hold.
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")


async def send(request: web.Request, files: Files, file: StoredFile) -> web.StreamResponse:
    """The file, or the part of it that is asked for."""
    etag = f'"{file.sha256}"'
    headers = _headers(file, etag)
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    try:
        wanted = part(request.headers.get("Range"), request.headers.get("If-Range"), etag, file.size)
    except Unsatisfiable:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    response = web.StreamResponse(status=200 if wanted.whole else 206, headers={**headers, **_extent(wanted, file)})
    response.content_type = file.media_type
    response.content_length = wanted.end - wanted.begin
    await response.prepare(request)
    if request.method != "HEAD":
        async for piece in files.read(file, wanted.begin, wanted.end):
            await response.write(piece)
    await response.write_eof()
    return response


def _headers(file: StoredFile, etag: str) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "ETag": etag,
        # Of the whole file, also with a part of it (RFC 9530).
        "Repr-Digest": f"sha-256=:{digest}:",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
        "X-Content-Type-Options": "nosniff",
        # Opened by itself it would be a page of this site: nothing in it may run.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Content-Disposition": f'attachment; filename="{_NOT_PLAIN.sub("_", file.name)}"',
    }


def _extent(wanted: Part, file: StoredFile) -> dict[str, str]:
    return {} if wanted.whole else {"Content-Range": f"bytes {wanted.begin}-{wanted.end - 1}/{file.size}"}
