"""Sends events like any client: NDJSON batches, a few in flight, the same ids again after a failure."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import msgspec

from tillwise.problems import Problem

BATCH_EVENTS = 500
BATCH_BYTES = 1_000_000
IN_FLIGHT = 3
PATIENCE_SECONDS = 120.0
TIMEOUT = aiohttp.ClientTimeout(total=30)
_encode = msgspec.json.Encoder().encode


class Rejection(NamedTuple):
    """An event that the platform refused, by its number among those sent."""

    number: int
    code: str
    detail: str


class Sender:
    """`async with Sender(url, key) as sender: await sender.send(event)`; leaving waits for everything."""

    def __init__(
        self,
        url: str,
        key: str,
        on_rejected: Callable[[Rejection], None] | None = None,
        on_answered: Callable[[int, int], None] | None = None,
        *,
        proxies: bool = False,
    ) -> None:
        """`proxies`: go through those that the environment names (http_proxy)."""
        self._url, self._key, self._proxies = url.rstrip("/"), key, proxies
        # Told of every event that was refused, then of the batch it was in: the number of its first event, and how many.
        self._on_rejected, self._on_answered = on_rejected, on_answered
        self._lines: list[bytes] = []
        self._size = 0
        self._session: aiohttp.ClientSession | None = None
        self._flying: set[asyncio.Task[None]] = set()
        self.sent = 0
        self.accepted = 0
        self.rejected: Counter[str] = Counter()
        self.retries = 0

    async def __aenter__(self) -> Sender:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, headers={"Authorization": f"Bearer {self._key}"}, trust_env=self._proxies)
        return self

    async def __aexit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            for task in self._flying:
                task.cancel()
            if self._session is not None:
                await self._session.close()

    async def send(self, event: dict[str, Any]) -> None:
        """Hand in an event; waits while enough batches are on their way. Raises Problem when sending is pointless."""
        line = _encode(event)
        if self._lines and self._size + len(line) > BATCH_BYTES:
            await self._launch()
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) >= BATCH_EVENTS:
            await self._launch()

    async def flush(self) -> None:
        """Send what is left and wait until everything has been answered."""
        if self._lines:
            await self._launch()
        while self._flying:
            await self._land()

    async def _launch(self) -> None:
        while len(self._flying) >= IN_FLIGHT:
            await self._land()
        lines, self._lines, self._size = self._lines, [], 0
        first, self.sent = self.sent, self.sent + len(lines)
        self._flying.add(asyncio.create_task(self._deliver(first, b"\n".join(lines), len(lines))))

    async def _land(self) -> None:
        done, self._flying = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _deliver(self, first: int, body: bytes, count: int) -> None:
        packed = await asyncio.to_thread(gzip.compress, body, 1)
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        pause = 0.2
        while True:
            wait, reason = await self._try(first, packed, count)
            if wait is None:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise Problem(
                    f"{self._url} did not take events for {PATIENCE_SECONDS:.0f} s ({reason}): run the import again, nothing counts twice"
                )
            self.retries += 1
            # Jitter, so that many clients do not come back at once.
            await asyncio.sleep(max(wait, pause * random.uniform(0.5, 1.5)))  # noqa: S311 - not for secrets
            pause = min(pause * 2, 5.0)

    async def _try(self, first: int, packed: bytes, count: int) -> tuple[float | None, str]:
        """None when the batch was answered; else how long to wait at least, and why."""
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        assert self._session is not None
        try:
            # A redirect is no acceptance, and would carry the key elsewhere.
            async with self._session.post(f"{self._url}/api/v1/events", data=packed, headers=headers, allow_redirects=False) as answer:
                if answer.status in (202, 422):
                    self._take(first, count, await _verdict(answer, count))
                    return None, ""
                if answer.status == 429 or answer.status >= 500:
                    return _seconds(answer.headers.get("Retry-After")), f"HTTP {answer.status}"
                raise Problem(f"the platform refused the events: {await _detail(answer)}")
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            # Whether they were taken is unknown: the same ids again are harmless.
            return 0.0, type(error).__name__

    def _take(self, first: int, count: int, rejected: list[dict[str, Any]]) -> None:
        self.accepted += count - len(rejected)
        for item in rejected:
            self.rejected[item["code"]] += 1
            if self._on_rejected is not None:
                self._on_rejected(Rejection(first + item["index"], item["code"], item["detail"]))
        if self._on_answered is not None:
            self._on_answered(first, count)


async def _verdict(answer: aiohttp.ClientResponse, count: int) -> list[dict[str, Any]]:
    """The events that were refused. Raises Problem when the answer is not a gateway's about all of them."""
    try:
        body = await answer.json(content_type=None)
        rejected: list[dict[str, Any]] = body["rejected"]
        if body["accepted"] + len(rejected) == count:
            return rejected
    except (ValueError, KeyError, TypeError):
        # Not a gateway's answer at all.
        pass
    raise Problem(f"the platform gave an answer that makes no sense: {await _detail(answer)}")


def _seconds(header: str | None) -> float:
    return min(float(header), 30.0) if header and header.isdigit() else 0.0


async def _detail(answer: aiohttp.ClientResponse) -> str:
    try:
        return str((await answer.json(content_type=None))["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status}"
