"""`/api/v1/admin/dead-letters`: what could not be stored and why; send it again, or discard it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from tillwise_common import logs
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.bus.dead_letters import DeadLetters, Letter, NoSuchLetter, UnfitLetter
from tillwise_common.contracts import batches
from tillwise_common.web.problems import Problem, json_response
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.admin.bodies import read_body
from tillwise_gateway.admin.guard import require_platform_admin

log = logs.get("dead_letters")
MOST = 1000


class Chosen(msgspec.Struct, forbid_unknown_fields=True):
    """Which letters: some by their ids, or all."""

    ids: Annotated[list[str], Meta(max_length=10_000)] = []
    all: bool = False


class DeadLetterRoutes:
    """The handlers; every one of them wants the platform's admin."""

    def __init__(self, door: Door, letters: DeadLetters) -> None:
        self._door, self._letters = door, letters

    def routes(self) -> list[web.RouteDef]:
        path = "/api/v1/admin/dead-letters"
        return [
            web.get(path, self.list),
            web.get(f"{path}/{{id}}", self.show),
            web.delete(f"{path}/{{id}}", self.discard_one),
            web.post(f"{path}/replay", self.replay),
            web.post(f"{path}/discard", self.discard),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """The latest letters, newest first, without their contents."""
        await require_platform_admin(self._door, request)
        limit = request.query.get("limit", "100")
        if not (limit.isascii() and limit.isdigit() and 0 < int(limit[:9]) <= MOST):
            raise Problem(422, "invalid_parameters", f"limit: must be a number from 1 to {MOST}")
        with _bus_or_503():
            count, letters = await self._letters.count(), await self._letters.latest(int(limit))
        return json_response({"count": count, "dead_letters": [_summary(letter) for letter in letters]})

    async def show(self, request: web.Request) -> web.Response:
        """One letter with its message."""
        await require_platform_admin(self._door, request)
        with _bus_or_503(), _known():
            letter = await self._letters.find(request.match_info["id"])
        return json_response(_summary(letter) | {"message": _contents(letter)})

    async def discard_one(self, request: web.Request) -> web.Response:
        await require_platform_admin(self._door, request)
        with _bus_or_503(), _known():
            await self._letters.discard(request.match_info["id"])
        log.warning("dead_letter_discarded", letter=request.match_info["id"])
        return web.Response(status=204)

    async def replay(self, request: web.Request) -> web.Response:
        """Put letters on their streams again. Stored events are not counted twice, so repeating this does no harm."""
        return await self._each(request, "replayed", self._letters.replay)

    async def discard(self, request: web.Request) -> web.Response:
        """Forget letters and what is in them."""
        return await self._each(request, "discarded", self._letters.discard)

    async def _each(self, request: web.Request, done: str, act: Any) -> web.Response:
        await require_platform_admin(self._door, request)
        chosen = await read_body(request, Chosen)
        if bool(chosen.ids) == chosen.all:
            raise Problem(422, "invalid_request", 'Say which: {"ids": ["0:1700000000000-0"]} or {"all": true}.')
        missing: list[str] = []
        unfit: list[str] = []
        count = 0
        with _bus_or_503():
            # Collected first: a letter that fails again comes back under a new id while we are at it.
            for letter_id in [one async for one in self._letters.ids()] if chosen.all else chosen.ids:
                try:
                    await act(letter_id)
                    count += 1
                except NoSuchLetter:
                    missing.append(letter_id)
                except UnfitLetter:
                    unfit.append(letter_id)
        log.warning(f"dead_letters_{done}", count=count, missing=len(missing), unfit=len(unfit))
        return json_response({done: count, "missing": missing, "unfit": unfit})


@contextmanager
def _bus_or_503() -> Iterator[None]:
    """Redis away is told as such."""
    try:
        yield
    except (RedisError, *Unreachable):
        raise Problem(503, "redis_unavailable", "Redis is away. Try again shortly.", headers={"Retry-After": "2"}) from None


@contextmanager
def _known() -> Iterator[None]:
    """A letter that is not there is a 404."""
    try:
        yield
    except NoSuchLetter:
        raise Problem(404, "not_found", "There is no such dead letter: it was replayed or discarded.") from None


def _summary(letter: Letter) -> dict[str, Any]:
    message = letter.message
    return {
        "id": letter.id,
        "at": datetime.fromtimestamp(letter.at, UTC).isoformat(timespec="milliseconds"),
        "error": letter.error,
        "tries": letter.tries,
        "partition": letter.partition,
        "entry": letter.entry,
        "bytes": letter.size,
        "type": message.type if message else None,
        "store": message.subject if message else None,
        "request_id": message.request_id if message else None,
    }


def _contents(letter: Letter) -> Any:
    """What is in a message, as JSON where it is ours to read, else as Base64; of a message that is none, its fields."""
    message = letter.message
    if message is None:
        return {"fields": letter.fields}
    try:
        batch = batches.decode(message.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"base64": base64.b64encode(message.data).decode()}
    return {"parts": [_part(part) for part in batch.parts]}


def _part(part: batches.Part) -> dict[str, str]:
    return {
        "request_id": part.request_id,
        "received_at": part.received_at.isoformat(),
        "form": part.form,
        "body": part.body.decode(errors="replace"),
    }
