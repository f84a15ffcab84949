"""Sends batches of events through the public API: a few at once, again until they are answered, never faster than they are taken."""

from __future__ import annotations

import asyncio
import gzip
import random
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

import aiohttp
import msgspec

from tillwise.imports.batches import Batch
from tillwise.imports.trouble import Trouble

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compression = Literal["none", "gzip", "zstd"]
# Refused for now, by the gateway or by what stands before it.
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
AWAY = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, aiohttp.ServerTimeoutError, TimeoutError, OSError)
LONGEST_PAUSE = 10.0
_HINTS = {
    401: "The key is not valid (any more): it may be mistyped, revoked or expired.",
    403: "The key may not do this: it needs the scope 'ingest'.",
    404: "Is this the address of a Tillwise gateway?",
    413: "The gateway's limit for a request (MAX_BODY_BYTES) is below the size of a batch.",
}


class Refusal(msgspec.Struct):
    """An event that was refused; `index` is its place in the batch."""

    index: int
    code: str
    detail: str


class Answer(msgspec.Struct):
    """What the gateway says to a batch."""

    accepted: int
    rejected: list[Refusal]


class Reply(NamedTuple):
    """A batch and what became of it."""

    batch: Batch
    refused: dict[int, tuple[str, str]]


class Sender:
    """A client's side of `POST /api/v1/events`. Repeats carry the same event IDs, so they count once."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        key: str,
        *,
        in_flight: int = 3,
        compression: Compression = "none",
        patience: float = 300.0,
        first_pause: float = 0.25,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/") + "/api/v1/events"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        if compression != "none":
            self._headers["Content-Encoding"] = compression
        self._compression = compression
        self._in_flight = in_flight
        self._patience = patience
        self._first_pause = first_pause
        # So that one import can be found in the logs of all services.
        self._run = uuid.uuid4().hex[:12]
        self.repeats = 0

    async def send_all(self, batches: Iterable[Batch], on_reply: Callable[[Reply], None]) -> None:
        """Send all batches. They are made in a thread, the next one only when there is room for it in flight.

        Raises Trouble when the gateway refuses them, or does not answer within the patience.
        """
        iterator = iter(batches)
        room = asyncio.Semaphore(self._in_flight)

        async def deliver(batch: Batch) -> None:
            try:
                on_reply(await self.send(batch))
            finally:
                room.release()

        try:
            async with asyncio.TaskGroup() as group:
                while (batch := await asyncio.to_thread(_next, iterator)) is not None:
                    await room.acquire()
                    group.create_task(deliver(batch))
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def send(self, batch: Batch) -> Reply:
        """Send one batch until it is answered."""
        loop = asyncio.get_running_loop()
        body = await self._packed(batch.body)
        headers = {**self._headers, "X-Request-Id": f"import-{self._run}-{batch.number}"}
        give_up, pause = loop.time() + self._patience, self._first_pause
        while True:
            try:
                async with self._session.post(self._url, data=body, headers=headers) as response:
                    text = await response.read()
                    if response.status not in _LATER:
                        return _reply(batch, response.status, text)
                    reason, wait = f"{response.status}: {_detail(text)}", _retry_after(response.headers.get("Retry-After"))
            except AWAY as error:
                reason, wait = str(error) or type(error).__name__, 0.0
            # Spread, so that the batches in flight do not come back all at once.
            wait = max(wait, pause * random.uniform(0.7, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)
            if loop.time() + wait > give_up:
                raise Trouble(
                    f"The gateway at {self._url} does not take events ({reason}). Run the same import again: nothing will count twice."
                )
            self.repeats += 1
            await asyncio.sleep(wait)

    async def _packed(self, body: bytes) -> bytes:
        if self._compression == "gzip":
            return await asyncio.to_thread(gzip.compress, body, 5)
        if self._compression == "zstd":
            return await asyncio.to_thread(zstd.compress, body)
        return body


def session() -> aiohttp.ClientSession:
    """A session for one import. It must be closed."""
    timeout = aiohttp.ClientTimeout(total=120, connect=10)
    return aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=8))


def _next(iterator: Iterator[Batch]) -> Batch | None:
    return next(iterator, None)


def _reply(batch: Batch, status: int, text: bytes) -> Reply:
    if status in (202, 422):
        try:
            answer = msgspec.json.decode(text, type=Answer)
            refused = {one.index: (one.code, one.detail) for one in answer.rejected}
            if answer.accepted + len(refused) == len(batch.events) and all(0 <= index < len(batch.events) for index in refused):
                return Reply(batch, refused)
        except msgspec.DecodeError:
            # Not the answer of a gateway.
            pass
    raise Trouble(f"The gateway refused the events with {status}: {_detail(text)} {_HINTS.get(status, '')}".strip())


def _detail(text: bytes) -> str:
    """What an error's body says to a person."""
    try:
        body: Any = msgspec.json.decode(text)
        return str(body["detail"])[:300]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return "no details."


def _retry_after(header: str | None) -> float:
    return min(float(header), 60.0) if header and header.isdigit() else 0.0


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """One error of several batches that failed together: what a person can mend before what is broken."""
    flat = [_first(error) if isinstance(error, BaseExceptionGroup) else error for error in errors.exceptions]
    return next((error for error in flat if not isinstance(error, Trouble)), flat[0])
