"""The scripts of a queue: each is one step that nobody sees half done."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError


@cache
def text(name: str) -> str:
    """A script with what all of them begin with."""
    lua = files("tillwise_common.jobs").joinpath("lua")
    return lua.joinpath("prelude.lua").read_text("utf-8") + lua.joinpath(f"{name}.lua").read_text("utf-8")


@cache
def _sha(name: str) -> str:
    return hashlib.sha1(text(name).encode(), usedforsecurity=False).hexdigest()


async def run(redis: Any, name: str, prefix: str, *args: Any) -> Any:
    """Run a script of the queue whose keys begin with `prefix`. The server learns it when it does not know it (any more)."""
    try:
        return await redis.evalsha(_sha(name), 1, prefix, *args)
    except NoScriptError:
        return await redis.eval(text(name), 1, prefix, *args)
