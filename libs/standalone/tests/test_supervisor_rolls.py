"""A rolling restart that goes wrong leaves the old processes in place."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tillwise.problems import CannotStart
from tillwise.supervisor.child import Child
from tillwise.supervisor.options import DataFolder, Options
from tillwise.supervisor.supervisor import Supervisor


class OnSticks(Supervisor):
    """Its services are small programs; `script` says what the next one does."""

    script = "import time; time.sleep(60)"

    def _service(self, service: str, number: int) -> Child:
        log = self.data.logs / f"{service}.log"
        child = Child(service, [sys.executable, "-c", self.script], {}, log, probe=lambda: "sleep" in self.script, number=number)
        self.made = child
        return child


@pytest.fixture
async def supervisor(tmp_path):
    one = OnSticks(Options("127.0.0.1", 1, 1, 1, 1, False), DataFolder(tmp_path / "data"), lambda _: None)
    one.data.prepare()
    for service in ("analytics", "gateway"):
        child = one._service(service, 1)
        one._services.append(child)
        child.start()
        await one._wait_ready(child)
    yield one
    await one._end()


async def test_a_new_process_that_does_not_start_leaves_the_old_ones(supervisor):
    before = [child.pid for child in supervisor._services]
    supervisor.script = "raise SystemExit('no good')"
    with pytest.raises(CannotStart, match="no good"):
        await supervisor._roll()
    assert [child.pid for child in supervisor._services] == before
    assert supervisor.made.pid is None


async def test_a_restart_replaces_every_process(supervisor):
    before = {child.pid for child in supervisor._services}
    await supervisor._roll()
    after = {child.pid for child in supervisor._services}
    assert len(after) == 2
    assert not before & after


async def test_an_old_process_that_still_drains_when_all_must_end_is_not_forgotten(supervisor):
    old = supervisor._services[0]
    leaving = asyncio.Event()

    async def slow(_: float) -> None:
        leaving.set()
        await asyncio.Event().wait()

    stop, old.stop = old.stop, slow
    rolling = asyncio.create_task(supervisor._roll())
    await asyncio.wait_for(leaving.wait(), 10)
    rolling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rolling
    old.stop = stop
    assert old in supervisor._services
