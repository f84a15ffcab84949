"""Parts start in order, drain and close in the reverse order, within a deadline."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from tillwise_common.health import Health
from tillwise_common.lifecycle import Lifecycle, StartError


class Part:
    def __init__(self, name: str, seen: list[str], health: Health, *, fails: str = "", hangs: bool = False) -> None:
        self.name, self.seen, self.health, self.fails, self.hangs = name, seen, health, fails, hangs

    async def _note(self, what: str) -> None:
        self.seen.append(f"{what} {self.name}")
        if self.fails == what:
            raise StartError(f"{self.name} cannot {what}")

    async def start(self) -> None:
        await self._note("start")

    async def drain(self) -> None:
        assert not self.health.serving
        await self._note("drain")
        if self.hangs:
            await asyncio.Event().wait()

    async def close(self) -> None:
        await self._note("close")


def _life(seen, *, fails=("", ""), hangs=False, **options):
    health = Health()
    life = Lifecycle(health, **options)
    life.add(Part("a", seen, health, fails=fails[0]))
    life.add(Part("b", seen, health, fails=fails[1], hangs=hangs))
    return health, life


async def _serving(health):
    while not health.serving:
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_closes_in_reverse_order(number):
    seen: list[str] = []
    health, life = _life(seen)
    task = asyncio.create_task(life.run())
    await _serving(health)
    os.kill(os.getpid(), number)
    await task
    assert seen == ["start a", "start b", "drain b", "drain a", "close b", "close a"]


async def test_the_end_of_the_supervisor_is_the_end():
    seen: list[str] = []
    ours, theirs = os.pipe()
    health, life = _life(seen, lifeline_fd=ours)
    task = asyncio.create_task(life.run())
    await _serving(health)
    os.close(theirs)
    await task
    assert seen[-1] == "close a"
    os.close(ours)


async def test_a_part_that_does_not_finish_is_cut_off_at_the_deadline():
    seen: list[str] = []
    health, life = _life(seen, hangs=True, drain_seconds=0.05)
    task = asyncio.create_task(life.run())
    await _serving(health)
    life.stop()
    await asyncio.wait_for(task, 2)
    assert seen[-2:] == ["close b", "close a"]


async def test_a_part_that_cannot_start_ends_those_before_it():
    seen: list[str] = []
    _, life = _life(seen, fails=("", "start"))
    with pytest.raises(StartError, match="b cannot start"):
        await life.run()
    assert seen == ["start a", "start b", "drain b", "drain a", "close b", "close a"]


async def test_a_part_that_fails_to_drain_does_not_keep_the_others_from_it():
    seen: list[str] = []
    health, life = _life(seen, fails=("", "drain"))
    task = asyncio.create_task(life.run())
    await _serving(health)
    life.stop()
    await task
    assert "drain a" in seen


async def test_readiness_names_what_fails_and_optional_checks_only_degrade():
    health = Health(timeout=0.05)

    async def fine() -> None:
        pass

    async def broken() -> None:
        raise ConnectionError("redis://:hunter2@h")

    health.serving = True
    health.add("good", fine)
    health.add("extra", broken, optional=True)
    health.add("slow", asyncio.Event().wait)
    ready, results = await health.ready()
    assert not ready
    assert {r.name: r.status for r in results} == {"good": "pass", "extra": "warn", "slow": "fail"}
    assert all("hunter2" not in (r.error or "") for r in results)
