"""The client under chaos: sends, resends, and writes down what was answered 202."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections import Counter
from typing import Any

import aiohttp
from shop import Book, Shop

PATIENCE = aiohttp.ClientTimeout(total=12)


class Client:
    """Some senders at once, each with a keep-alive connection."""

    def __init__(self, url: str, books: list[Book], seed: int) -> None:
        self._url = url
        self.books = books
        self._dice = random.Random(seed)
        self._shops = {book.name: Shop(random.Random(f"{seed}-{book.name}")) for book in books}
        self.answers: Counter[str] = Counter()
        self.slowest_refusal = 0.0
        self._stop = asyncio.Event()

    async def run(self, senders: int) -> None:
        """Send until told to stop."""
        async with aiohttp.ClientSession(timeout=PATIENCE) as session:
            await asyncio.gather(*(self._send(session) for _ in range(senders)))

    def stop(self) -> None:
        self._stop.set()

    def new_event(self, book: Book) -> dict[str, Any]:
        """An event that nobody has sent yet."""
        (event,) = self._shops[book.name].events(1)
        book.sent[event["id"]] = event
        return event

    async def _send(self, session: aiohttp.ClientSession) -> None:
        while not self._stop.is_set():
            book = self._dice.choice(self.books)
            if book.bodies and self._dice.random() < 0.15:
                events = self._dice.choice(book.bodies)
            else:
                events = self._shops[book.name].events(self._dice.randint(1, 15))
                book.sent.update((event["id"], event) for event in events)
                book.bodies.append(events)
            for _ in range(self._dice.choice((1, 1, 3))):
                if await self.post(session, book, events):
                    break
                # What was refused is sent again by some, and forgotten by others.
                await asyncio.sleep(self._dice.random())
            await asyncio.sleep(self._dice.random() * 0.1)

    async def post(self, session: aiohttp.ClientSession, book: Book, events: list[dict[str, Any]]) -> bool:
        """Send one body; whether it was acknowledged."""
        headers, body = self._dress(events)
        headers["Authorization"] = f"Bearer {book.key}"
        began = asyncio.get_running_loop().time()
        try:
            async with session.post(f"{self._url}/api/v1/events", data=body, headers=headers) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self.answers[type(error).__name__] += 1
            return False
        took = asyncio.get_running_loop().time() - began
        if answer.status == 202:
            if found != {"accepted": len(events), "duplicates": None, "rejected": []}:
                raise AssertionError(f"a valid body was not accepted as a whole: {found}")
            book.acknowledged.update(event["id"] for event in events)
            self.answers["202"] += 1
            return True
        self.answers[f"{answer.status} {found.get('code')}"] += 1
        if found.get("code") == "overloaded":
            self.slowest_refusal = max(self.slowest_refusal, took)
        if answer.status != 503:
            raise AssertionError(f"a valid body was answered {answer.status}: {found}")
        return False

    def _dress(self, events: list[dict[str, Any]]) -> tuple[dict[str, str], bytes]:
        form = self._dice.choice(("array", "lines", "gzip"))
        if form == "array":
            return {"Content-Type": "application/json"}, json.dumps(events).encode()
        lines = "\n".join(map(json.dumps, events)).encode()
        if form == "lines":
            return {"Content-Type": "application/x-ndjson"}, lines
        return {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}, gzip.compress(lines, 1)
