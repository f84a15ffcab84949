"""A start that takes its time says what it waits for, in the foreground and to who waits for `--detach`."""

from __future__ import annotations

import asyncio
import sys

from tillwise.commands.up import _waits
from tillwise.supervisor import supervisor as module
from tillwise.supervisor.child import Child
from tillwise.supervisor.options import DataFolder, Options
from tillwise.supervisor.supervisor import Supervisor


async def test_a_slow_start_names_the_step_and_then_the_processes_that_are_not_ready(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FIRST_WORD_SECONDS", 0.0)
    monkeypatch.setattr(module, "NEXT_WORD_SECONDS", 0.0)
    lines: asyncio.Queue[str] = asyncio.Queue()
    one = Supervisor(Options("127.0.0.1", 1, 1, 1, 1, False), DataFolder(tmp_path / "data"), lines.put_nowait)
    one.data.prepare()
    log = one.data.logs / "x.log"
    one._servers.append(Child("valkey", [sys.executable], {}, log))
    one._services.append(Child("gateway", [sys.executable], {}, log, probe_port=1))
    ready = Child("worker", [sys.executable], {}, log, probe_port=2)
    ready.ready = True
    one._services.append(ready)
    one._awaited = "the database to be brought up to date"
    telling = asyncio.create_task(one._tell_what_takes_long())
    assert await lines.get() == "Waiting for the database to be brought up to date …"
    one._awaited = ""
    while "update" in (line := await lines.get()) or "database" in line:
        pass
    telling.cancel()
    assert line == "Waiting for gateway-1, valkey …"
    told = _waits((one.data.logs / "supervisor.log").read_bytes())
    assert told[0] == "the database to be brought up to date"
    assert "gateway-1, valkey" in told


def test_half_a_line_and_other_lines_of_the_log_are_passed_over():
    log = b'{"event": "child_started"}\nplain "waiting"\n{"event": "waiting", "what": "valkey"}\n{"event": "waiting", "wh'
    assert _waits(log) == ["valkey"]
