"""Kinds of jobs: the name, the payload and how it is tried, as the one who adds a job and the worker both know them."""

from __future__ import annotations

import random
from typing import Any, Generic, TypeVar

import msgspec

from tillwise_common import logs
from tillwise_common.jobs.errors import BadJob

P = TypeVar("P", bound=msgspec.Struct)
HIGHEST, LOWEST, NORMAL = 0, 1000, 100
MASKED = "•••"
log = logs.get("jobs")


class Backoff(msgspec.Struct, frozen=True):
    """How long to wait before the next attempt: `first` seconds, then `factor` times as long each time, up to `longest`; each wait is
    made shorter by up to the share `jitter` by chance, so that what failed together does not come back together.
    """

    first: float = 1.0
    factor: float = 2.0
    longest: float = 3600.0
    jitter: float = 0.5

    def seconds(self, attempt: int) -> float:
        """The wait after so many attempts (1: the first one failed)."""
        try:
            wait = min(self.first * self.factor ** (attempt - 1), self.longest)
        except OverflowError:
            wait = self.longest
        return wait * (1 - self.jitter * random.random())  # noqa: S311 - no secret


class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a job is tried: at most so many `attempts`, each at most `timeout` seconds."""

    attempts: int = 1
    timeout: float | None = 300.0
    backoff: Backoff = Backoff()


class Kind(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """A kind of job. `payload` is its type; `secret` names those of its fields that nobody is shown."""

    name: str
    payload: type[P]
    queue: str = "default"
    options: Options = Options()
    priority: int = NORMAL
    secret: tuple[str, ...] = ()
    about: str = ""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its payload, from which a form can be made."""
        return msgspec.json.schema(self.payload)


def masked(data: bytes, secret: tuple[str, ...]) -> bytes:
    """A payload as it may be shown."""
    if not secret:
        return data
    try:
        fields = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError:
        return data
    return msgspec.json.encode({name: MASKED if name in secret else value for name, value in fields.items()})


def check_priority(priority: int) -> int:
    """Raises BadJob for a priority that cannot be."""
    if not HIGHEST <= priority <= LOWEST:
        raise BadJob(f"the priority {priority} is not from {HIGHEST} (first) to {LOWEST} (last)")
    return priority


_known: dict[Options, bytes] = {}
_read: dict[bytes, Options] = {}


def pack(options: Options) -> bytes:
    """Options as they are kept with a job."""
    found = _known.get(options)
    if found is None:
        found = _known[options] = msgspec.msgpack.encode(options)
    return found


def unpack(data: bytes) -> Options:
    """The other way round; jobs of a kind share theirs. What nobody can read are those of a job that says nothing."""
    found = _read.get(data)
    if found is None:
        if len(_read) > 1000:
            _read.clear()
        try:
            found = msgspec.msgpack.decode(data, type=Options)
        except msgspec.MsgspecError:
            log.warning("options_unreadable", bytes=len(data))
            found = Options()
        _read[data] = found
    return found
