"""`POST /api/v1/events`: authenticate, read, check, pack, answer 202 once the stream has it on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.hdrs import CONTENT_ENCODING, CONTENT_TYPE
from prometheus_client import CollectorRegistry, Counter

from tillwise_common import request_id
from tillwise_common.bus import names
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.bus.publish import NotAccepted, PackingPublisher
from tillwise_common.contracts.batches import Part
from tillwise_common.contracts.stores import Store
from tillwise_common.ingest.decode import Decoded, decode
from tillwise_common.ingest.pressure import Pressure
from tillwise_common.web.problems import Problem, json_response
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import store_of
from tillwise_gateway.ingest.unpack import ENCODINGS, Broken, TooLarge, unpack

MEDIA_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
MEDIA = MEDIA_LINES | {"application/json"}
PLAIN = ("", "identity")
RETRY = {"Retry-After": "2"}


class Ingest:
    """The handlers of events."""

    def __init__(
        self,
        door: Door,
        publisher: PackingPublisher[Store, Part],
        pressure: Pressure,
        partitions: int,
        max_body: int,
        registry: CollectorRegistry,
    ) -> None:
        self._door = door
        self._publisher = publisher
        self._pressure = pressure
        self._partitions = partitions
        self._max_body = max_body
        events = Counter("tillwise_events", "Events by outcome", ["outcome"], registry=registry)
        self._accepted, self._rejected = events.labels("accepted"), events.labels("rejected")

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/v1/events", self.post), web.get("/api/v1/ingest/status", self.status)]

    async def post(self, request: web.Request) -> web.Response:
        """Take one event, an array or NDJSON. 202 promises that every accepted event will be counted once."""
        store = store_of(self._door.known(request, "ingest") or await self._door.authenticate(request, "ingest"))
        if self._pressure.too_high or self._pressure.away:
            raise self._refusal()
        encoding, lines = self._encoding(request), self._is_lines(request)
        body = body_at_hand(request, self._max_body)
        body = self._unpacked(await self._read(request) if body is None else body, encoding)
        decoded = decode(body, lines=lines, currency=store.currency)
        if decoded.count:
            await self._publish(store, decoded)
            self._accepted.inc(decoded.count)
        return self._answer(decoded)

    def _refusal(self) -> Problem:
        if self._pressure.away:
            return Problem(503, "redis_unavailable", "Events cannot be accepted for the moment. Send them again shortly.", headers=RETRY)
        return Problem(503, "overloaded", "Events arrive faster than they are stored. Send them again later.", headers=RETRY)

    async def status(self, request: web.Request) -> web.Response:
        """How many messages of the store's partition were accepted and are not yet counted."""
        store = store_of(await self._door.authenticate(request, "read"))
        try:
            pending = await self._pressure.pending(names.partition_of(store.id, self._partitions))
        except (RedisError, *Unreachable):
            raise Problem(503, "redis_unavailable", "Redis is away. Try again shortly.", headers=RETRY) from None
        return json_response({"pending": pending})

    @staticmethod
    def _encoding(request: web.Request) -> str:
        """How the body is packed; empty when it is not."""
        encoding = request.headers.get(CONTENT_ENCODING, "").lower()
        if encoding in PLAIN:
            return ""
        if encoding not in ENCODINGS:
            raise Problem(415, "unsupported_encoding", f"Content-Encoding must be gzip, deflate or zstd, not {encoding[:40]!r}.")
        return encoding

    @staticmethod
    def _is_lines(request: web.Request) -> bool:
        # Nearly all clients send the bare name, so parsing it is left for the others.
        media = request.headers.get(CONTENT_TYPE, "")
        if media not in MEDIA:
            media = request.content_type if media else ""
        if media in MEDIA_LINES:
            return True
        if media == "application/json":
            return False
        raise Problem(415, "unsupported_media_type", "Content-Type must be application/json or application/x-ndjson.")

    async def _read(self, request: web.Request) -> bytes:
        if (request.content_length or 0) > self._max_body:
            # Before reading any of it.
            raise web.HTTPRequestEntityTooLarge(self._max_body, request.content_length or 0)
        return await request.read()

    def _unpacked(self, body: bytes, encoding: str) -> bytes:
        if encoding:
            body = self._unpack(body, encoding)
        # Looks no further than the first byte of an event.
        if not body or body.isspace():
            raise _nothing_in_it()
        return body

    def _unpack(self, body: bytes, encoding: str) -> bytes:
        try:
            return unpack(body, encoding, self._max_body)
        except TooLarge:
            raise web.HTTPRequestEntityTooLarge(self._max_body, self._max_body + 1) from None
        except Broken:
            raise Problem(400, "unreadable_body", "The body could not be read: broken off or not encoded as declared.") from None

    async def _publish(self, store: Store, decoded: Decoded) -> None:
        part = Part(request_id.new(), request_id.current.get(), datetime.now(UTC), decoded.form, decoded.body)
        try:
            await self._publisher.publish(store, part, len(decoded.body))
        except NotAccepted as error:
            raise Problem(
                503,
                "not_stored",
                "The events may not have been stored. Send them again with the same ids.",
                headers=RETRY,
                cause=str(error),
            ) from None

    def _answer(self, decoded: Decoded) -> web.Response:
        if not decoded.rejected:
            if not decoded.count:
                raise _nothing_in_it()
            return web.Response(
                status=202, body=b'{"accepted":%d,"duplicates":null,"rejected":[]}' % decoded.count, content_type="application/json"
            )
        self._rejected.inc(len(decoded.rejected))
        body: dict[str, Any] = {"accepted": decoded.count, "duplicates": None, "rejected": msgspec.to_builtins(decoded.rejected)}
        if decoded.count == 0:
            raise Problem(422, "no_valid_event", f"None of the events is valid; the first: {decoded.rejected[0].detail}", **body)
        return json_response(body, status=202)


def body_at_hand(request: web.Request, most: int) -> bytes | None:
    """The body when all of it came along with the headers, as that of a single event does; None when it must be waited for.

    Raises HTTPRequestEntityTooLarge, and RequestPayloadError when it is broken.
    """
    if not request.content.is_eof():
        return None
    body = request.content.read_nowait()
    if len(body) > most:
        raise web.HTTPRequestEntityTooLarge(most, len(body))
    return body


def _nothing_in_it() -> Problem:
    """The answer to no bytes, to blanks, to `[]` and to blank lines alike: something went wrong where the body was made."""
    return Problem(422, "empty_body", "There is no event in the body. Send an event, an array of events, or NDJSON.")
