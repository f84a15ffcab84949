"""A child runs until it is told otherwise: it comes back after a crash, and ends when asked, or when it must."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tillwise.supervisor import child as child_module
from tillwise.supervisor.child import Child, status_of

SECONDS = 10.0
FOR_EVER = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({0!r}, 'w').close()\nwhile True: signal.pause()"
Make = Callable[..., Child]


async def until(condition: Callable[[], Any], what: str) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Starts children that run a piece of Python, and ends them all."""
    made: list[Child] = []

    def start(code: str = FOR_EVER, **options: Any) -> Child:
        command = options.pop("command", [sys.executable, "-c", code])
        options.setdefault("probe", lambda: True)
        made.append(Child("test", command, dict(os.environ), tmp_path / "test-1.log", **options))
        made[-1].start()
        return made[-1]

    yield start
    await asyncio.gather(*(child.stop(1) for child in made))


async def test_what_crashes_comes_back(make: Make) -> None:
    child = make()
    await until(lambda: child.pid, "it runs")
    first = child.pid
    assert await child.check()
    os.kill(first, signal.SIGKILL)
    await until(lambda: child.pid not in (None, first), "another one runs")
    assert child.restarts == 1


async def test_diary_tells_starts_and_ends(make: Make) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    child = make(diary=lambda event, **about: told.append((event, about)))
    await until(lambda: child.pid, "it runs")
    first = child.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: child.pid not in (None, first), "another one runs")
    assert [event for event, _ in told] == ["child_started", "child_ended", "child_started"]
    assert told[1][1]["signal"] == "SIGKILL"
    assert (told[0][1]["pid"], told[1][1]["pid"], told[2][1]["pid"]) == (first, first, child.pid)


async def test_service_that_answers_nothing_for_long_is_started_anew(make: Make) -> None:
    told: list[str] = []
    child = make(probe=None, probe_port=1, patience=0.0, diary=lambda event, **_: told.append(event))
    await until(lambda: child.pid, "it runs")
    first = child.pid
    os.kill(first, signal.SIGSTOP)
    assert not await child.check()
    child.end_when_frozen()
    await until(lambda: child.pid not in (None, first), "another one runs")
    assert told[:3] == ["child_started", "child_frozen", "child_ended"]


async def test_slow_service_and_silent_server_are_left_alone(make: Make) -> None:
    slow, server = make(probe=None, probe_port=1, patience=60.0), make(patience=0.0)
    await until(lambda: slow.pid and server.pid, "they run")
    pids = slow.pid, server.pid
    for child in (slow, server):
        await child.check()
        child.end_when_frozen()
    assert (slow.pid, server.pid) == pids


async def test_what_crashes_again_and_again_is_given_time(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def quick(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(child_module.asyncio, "sleep", quick)
    child = make(command=[str(tmp_path / "no-such-program")])
    async with asyncio.timeout(SECONDS):
        while len(pauses) < 8:
            await sleep(0.01)
    assert pauses[:8] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert child.pid is None
    assert not await child.check()


async def test_the_pause_is_short_again_after_good_health(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "HEALTHY_AFTER_SECONDS", 0.0)
    child = make("raise SystemExit(3)")
    # Doubling, the fifth would come after 3 s.
    async with asyncio.timeout(2.5):
        await until(lambda: child.restarts >= 5, "it is tried five times")


async def test_a_program_that_cannot_be_started_is_tried_again(make: Make, tmp_path: Path) -> None:
    program = tmp_path / "program"
    child = make(command=[str(program)])
    await until(lambda: child.restarts >= 1, "it was tried")
    assert "cannot be started" in child.last_words()
    program.write_text(f"#!{sys.executable}\n{FOR_EVER}\n")
    program.chmod(0o700)
    await until(lambda: child.pid, "it runs")


async def test_what_is_in_the_way_of_a_start_may_pass(make: Make) -> None:
    obstacles = [OSError("no space left"), RuntimeError("not yet")]

    def before_start() -> None:
        if obstacles:
            raise obstacles.pop(0)

    child = make(before_start=before_start)
    await until(lambda: child.pid, "it runs")
    assert child.restarts == 2


async def test_it_ends_when_asked_and_stays_ended(make: Make, tmp_path: Path) -> None:
    said = tmp_path / "said"
    code = f"import signal, sys\nsignal.signal(signal.SIGINT, lambda *_: (open({str(said)!r}, 'w').write('bye'), sys.exit(0)))\n{FOR_EVER}"
    child = make(f"{code.replace(FOR_EVER, '')}\nprint('up', flush=True)\n{FOR_EVER}", end_with=signal.SIGINT)
    await until(lambda: child.last_words() == "up", "it listens")
    await child.stop(SECONDS)
    assert said.read_text() == "bye"
    assert child.pid is None
    assert child.restarts == 0
    assert not child.ready


async def test_what_does_not_end_in_time_is_killed(make: Make, tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    child = make(STUBBORN.format(str(deaf)))
    await until(deaf.exists, "it ignores the signal")
    pid = child.pid
    await asyncio.wait_for(child.stop(0.1), 5)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_stopping_one_that_never_ran_is_harmless(make: Make) -> None:
    child = Child("test", [sys.executable], {}, Path("/nonexistent/log"))
    await child.stop(1)
    assert child.last_words() == "it left no message"


async def test_ctrl_c_in_the_terminal_is_not_for_the_children(make: Make) -> None:
    child = make()
    await until(lambda: child.pid, "it runs")
    assert os.getpgid(child.pid) != os.getpgid(0)


async def test_the_log_is_kept_whole_over_a_restart(make: Make, tmp_path: Path) -> None:
    child = make("import os; print('born', flush=True); os.kill(os.getpid(), 9)")
    await until(lambda: child.restarts >= 2, "it was started again")
    assert (tmp_path / "test-1.log").read_text().count("born") >= 2


async def test_a_log_does_not_grow_without_end(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "LARGEST_LOG", 1000)
    log = tmp_path / "test-1.log"
    code = "import sys\nprint('x' * 2000, flush=True)\nsys.stdin = open(sys.argv[1])\nsys.stdin.readline()\nprint('later', flush=True)\n"
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    child = make(command=[sys.executable, "-c", code + FOR_EVER, str(gate)])
    await until(lambda: log.exists() and log.stat().st_size > 2000, "the log is long")
    child.bound_log()
    assert (tmp_path / "test-1.log.1").read_text() == "x" * 2000 + "\n"
    assert log.read_text() == ""
    await asyncio.to_thread(gate.write_text, "go on\n")
    await until(lambda: log.read_text(), "the same process writes on")
    # At the beginning, not behind a hole as long as what was cut off.
    assert log.read_text() == "later\n"


async def test_ready_is_what_the_probe_says() -> None:
    codes = [200, 503]

    class Probe(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(codes.pop(0))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Probe) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            assert await status_of("127.0.0.1", server.server_port, "/readyz") == 200
            assert await status_of("127.0.0.1", server.server_port, "/readyz") != 200
        finally:
            server.shutdown()
            thread.join()
    assert await status_of("127.0.0.1", server.server_port, "/readyz") is None, "nobody is there any more"


def test_last_words_are_the_reason_where_the_log_is_for_programs(tmp_path: Path) -> None:
    child = Child("gateway", [], {}, tmp_path / "log")
    assert child.last_words() == "it left no message"
    for line, said in (
        ('{"event": "cannot_start", "reason": "no port"}', "no port"),
        ('{"event": "x"}', '{"event": "x"}'),
        ("[1]", "[1]"),
        ("oh", "oh"),
    ):
        (tmp_path / "log").write_text(f"before\n{line}\n")
        assert child.last_words() == said
