"""Messages that could not be handled: kept with the reason, looked at, sent again after the fix, or discarded."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from tillwise_common.bus import names
from tillwise_common.bus.envelope import Envelope, MalformedEnvelope, parse

# Far above what anybody looks through; beyond it the oldest go.
KEPT = 100_000
# In one step, so that a letter is sent again once, however often and by whomever that is asked.
_REPLAY = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return false end
local fields, message = found[1][2], {}
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 5) ~= 'dead_' then message[#message + 1] = fields[i]; message[#message + 1] = fields[i + 1] end
end
if #message == 0 or #message > 1000 then return redis.error_reply('UNFIT this is no message to send again') end
local entry = redis.call('XADD', KEYS[2], '*', unpack(message))
redis.call('XDEL', KEYS[1], ARGV[1])
return entry
"""

# A page of letters without what is long in them: a page of whole messages could fill the asker's memory.
_HEADS = """
local found = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
for _, entry in ipairs(found) do
  local short, size = {}, 0
  for i = 1, #entry[2], 2 do
    size = size + #entry[2][i + 1]
    if #entry[2][i + 1] <= 1000 then short[#short + 1] = entry[2][i]; short[#short + 1] = entry[2][i + 1] end
  end
  short[#short + 1] = 'dead_size'
  short[#short + 1] = tostring(size)
  entry[2] = short
end
return found
"""
PAGE = 100


class Letter(msgspec.Struct, frozen=True):
    """A dead letter: why it failed, after how many tries, its size in bytes, and the message; `fields` of one that is none of ours."""

    id: str
    partition: int
    at: float
    error: str
    tries: int
    entry: str
    size: int
    message: Envelope | None
    fields: dict[str, str] = {}


class NoSuchLetter(KeyError):
    """There is no dead letter of this id (any more)."""


class UnfitLetter(ValueError):
    """What lies in this letter cannot be put on a stream: no fields, or hundreds of them."""


async def write(redis: Any, letters: str, stream: str, entry_id: bytes, fields: Mapping[Any, Any], error: Exception, tries: int) -> None:
    """Keep the fields of an entry of `stream` on the stream `letters`, with the error and how often it was tried."""
    about = {
        "dead_entry": entry_id,
        "dead_stream": stream,
        "dead_error": f"{type(error).__name__}: {error}"[:500],
        "dead_tries": tries,
        "dead_at": time.time(),
    }
    await redis.xadd(letters, dict(fields) | about, maxlen=KEPT, approximate=True)


class DeadLetters:
    """The dead letters of all partitions."""

    def __init__(self, redis: Any, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions

    async def count(self) -> int:
        return sum([int(await self._redis.xlen(names.dead_letters(p))) for p in range(self._partitions)])

    async def latest(self, most: int) -> list[Letter]:
        """The latest letters, newest first, without their messages."""
        found: list[Letter] = []
        for partition in range(self._partitions):
            found += await self._heads(partition, "+", most)
        return sorted(found, key=lambda letter: letter.at, reverse=True)[:most]

    async def find(self, letter_id: str) -> Letter:
        """One letter. Raises NoSuchLetter."""
        partition, entry = self._address(letter_id)
        found = await self._redis.xrange(names.dead_letters(partition), entry, entry)
        if not found:
            raise NoSuchLetter(letter_id)
        return _letter(partition, *found[0])

    async def replay(self, letter_id: str) -> None:
        """Put the message on its stream again and forget the letter. Raises NoSuchLetter, and UnfitLetter for what is no message."""
        partition, entry = self._address(letter_id)
        keys = (names.dead_letters(partition), names.events(partition))
        try:
            found = await self._redis.eval(_REPLAY, len(keys), *keys, entry)
        except ResponseError as error:
            if str(error).startswith("UNFIT"):
                raise UnfitLetter(letter_id) from None
            raise
        if not found:
            raise NoSuchLetter(letter_id)

    async def discard(self, letter_id: str) -> None:
        """Forget a letter and its message for good. Raises NoSuchLetter."""
        partition, entry = self._address(letter_id)
        if not await self._redis.xdel(names.dead_letters(partition), entry):
            raise NoSuchLetter(letter_id)

    async def ids(self) -> AsyncIterator[str]:
        """The ids of all letters that are there now, newest first."""
        for partition in range(self._partitions):
            before = "+"
            while letters := await self._heads(partition, before, PAGE):
                for letter in letters:
                    yield letter.id
                before = f"({letters[-1].id.partition(':')[2]}"

    async def _heads(self, partition: int, before: str, most: int) -> list[Letter]:
        found = await self._redis.eval(_HEADS, 1, names.dead_letters(partition), before, most)
        return [_letter(partition, entry_id, dict(zip(flat[::2], flat[1::2], strict=True))) for entry_id, flat in found]

    def _address(self, letter_id: str) -> tuple[int, str]:
        partition, _, entry = letter_id.partition(":")
        number, _, sequence = entry.partition("-")
        # Digits alone: what is none of our ids must not reach the server as a range or an option.
        if not (all(part.isascii() and part.isdigit() and len(part) < 20 for part in (partition, number, sequence))):
            raise NoSuchLetter(letter_id)
        if int(partition) >= self._partitions:
            raise NoSuchLetter(letter_id)
        return int(partition), entry


def _letter(partition: int, entry_id: bytes, fields: dict[bytes, bytes]) -> Letter:
    strange: dict[str, str] = {}
    try:
        message = parse(fields)
    except MalformedEnvelope:
        message = None
        own = {name: value for name, value in fields.items() if not name.startswith(b"dead_")}
        strange = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in own.items()}
    return Letter(
        id=f"{partition}:{entry_id.decode()}",
        partition=partition,
        at=float(fields.get(b"dead_at", 0)),
        error=fields.get(b"dead_error", b"").decode(errors="replace"),
        tries=int(fields.get(b"dead_tries", 0)),
        entry=fields.get(b"dead_entry", b"").decode(errors="replace"),
        size=int(fields.get(b"dead_size") or sum(map(len, fields.values()))),
        message=message,
        fields=strange,
    )
