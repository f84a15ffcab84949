"""Which function does which kind of job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from arq.worker import Function

from tillwise_common.jobs.errors import Unrecoverable
from tillwise_common.jobs.kinds import Kind, Options
from tillwise_common.jobs.queue import POSITIONAL

P = TypeVar("P", bound=msgspec.Struct)
# Of jobs that were added in arq's way, which say nothing of it.
ARQ_ATTEMPTS, ARQ_TIMEOUT = 5, 300.0


class Work(msgspec.Struct, frozen=True):
    """A function of arq's, and the type of the payload that it takes (None: arguments by place and name)."""

    function: Function
    payload: type[msgspec.Struct] | None = None

    async def __call__(self, ctx: dict[Any, Any], data: bytes) -> Any:
        """Run it. Raises Unrecoverable for a payload that does not fit, and whatever it raises."""
        if self.payload is not None:
            return await self.function.coroutine(ctx, self._decoded(data, self.payload))
        arguments = self._decoded(data, dict[str, Any])
        return await self.function.coroutine(ctx, *arguments.pop(POSITIONAL, ()), **arguments)

    def options(self, asked: Options) -> Options:
        """How a job is tried: as it says itself, else as its function says."""
        if self.payload is not None or asked != Options():
            return asked
        attempts, timeout = self.function.max_tries, self.function.timeout_s
        return Options(ARQ_ATTEMPTS if attempts is None else attempts, ARQ_TIMEOUT if timeout is None else timeout)

    def _decoded(self, data: bytes, kind: Any) -> Any:
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError as error:
            raise Unrecoverable(f"the payload does not fit {self.function.name}: {error}") from None


def work(kind: Kind[P], run: Callable[[dict[Any, Any], P], Awaitable[Any]]) -> Work:
    """Let a function do a kind of jobs."""
    coroutine: Any = run
    return Work(Function(kind.name, coroutine, kind.options.timeout, None, None, kind.options.attempts), kind.payload)
