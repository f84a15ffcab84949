"""One child process: started, watched, restarted with back-off, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
HEALTHY_AFTER_SECONDS = 30.0
KILLED_WITHIN_SECONDS = 5.0
# Far longer than a busy machine keeps a healthy process from answering.
FROZEN_AFTER_SECONDS = 60.0
LARGEST_LOG = 50_000_000


class Child:
    """A process that should run until we say otherwise."""

    def __init__(
        self,
        service: str,
        command: list[str],
        environment: dict[str, str],
        log: Path,
        *,
        port: int | None = None,
        probe: Callable[[], bool] | None = None,
        probe_port: int | None = None,
        before_start: Callable[[], None] | None = None,
        end_with: int = signal.SIGTERM,
        pass_fds: tuple[int, ...] = (),
        number: int = 1,
        patience: float = FROZEN_AFTER_SECONDS,
        diary: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        self.service, self.port, self.probe_port, self.number = service, port, probe_port, number
        self.ready = False
        self.restarts = 0
        self._command, self._environment, self._log = command, environment, log
        self._probe, self._before_start = probe, before_start
        self._end_with, self._pass_fds = end_with, pass_fds
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._patience, self._diary = patience, diary
        # When it answered last, whatever it said, or was started.
        self._heard = time.monotonic()

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_running(), name=f"child {self.service}")

    async def check(self) -> bool:
        """Look whether it is ready; remembers the answer in `ready`."""
        if self.pid is None:
            self.ready = False
        elif self._probe is not None:
            self.ready = await asyncio.to_thread(self._probe)
        else:
            status = await status_of("127.0.0.1", self.probe_port or 0, "/readyz")
            self.ready = status == 200
            if status is not None:
                self._heard = time.monotonic()
        return self.ready

    def end_when_frozen(self) -> None:
        """Kill a service that lives and has answered nothing for long, so that it is started anew: what it held is taken over."""
        process, silent = self._process, time.monotonic() - self._heard
        if self.probe_port is None or self.pid is None or process is None or self._stopping or silent < self._patience:
            return
        self._diary("child_frozen", child=self.name, pid=process.pid, silent_seconds=round(silent, 1))
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    @property
    def name(self) -> str:
        return f"{self.service}-{self.number}"

    async def stop(self, deadline: float) -> None:
        """Ask it to end, and kill it when it does not within `deadline` seconds."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self._end_with)
            try:
                await asyncio.wait_for(process.wait(), deadline)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError, TimeoutError):
                    process.kill()
                    # Whoever starts after us must not find its port and its files in use.
                    await asyncio.wait_for(process.wait(), KILLED_WITHIN_SECONDS)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.ready = False

    def bound_log(self) -> None:
        """Keep the log from growing without end: copy it aside and empty it."""
        with contextlib.suppress(OSError):
            if self._log.stat().st_size > LARGEST_LOG:
                self._log.with_suffix(".log.1").write_bytes(self._log.read_bytes())
                os.truncate(self._log, 0)

    def last_words(self) -> str:
        """The last line of its log, for an error message."""
        with contextlib.suppress(OSError, IndexError):
            line = self._log.read_text(errors="replace").strip().splitlines()[-1]
            with contextlib.suppress(ValueError, TypeError, KeyError):
                return str(json.loads(line)["reason"])
            return line
        return "it left no message"

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping:
            began = time.monotonic()
            try:
                if self._before_start is not None:
                    await asyncio.to_thread(self._before_start)
                await self._run_once()
            except Exception as error:
                # Whatever is in the way (no memory, no free process) may pass: it counts as a crash.
                self._note(f"cannot be started: {error}")
            if self._ended():
                return
            self.restarts += 1
            self._diary("child_ended", child=self.name, **self._end_of_process(), restarts=self.restarts, restart_in_seconds=pause)
            # Ended in order (somebody sent it SIGTERM) is no crash.
            if time.monotonic() - began > HEALTHY_AFTER_SECONDS or (self._process is not None and self._process.returncode == 0):
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _ended(self) -> bool:
        # A method, because `stop` runs while `_run_once` waits, which a type checker cannot know.
        return self._stopping

    def _end_of_process(self) -> dict[str, object]:
        """How the process ended: its exit code, or the signal that killed it."""
        code = None if self._process is None else self._process.returncode
        if code is not None and code < 0:
            return {"pid": self._process and self._process.pid, "signal": signal.Signals(-code).name}
        return {"pid": self._process and self._process.pid, "exit_code": code}

    def _note(self, line: str) -> None:
        with contextlib.suppress(OSError), self._log.open("a") as log:
            log.write(f"{line}\n")

    async def _run_once(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                pass_fds=self._pass_fds,
                # Ctrl-C in the terminal is for the supervisor, which ends its children in order.
                start_new_session=True,
            )
        self._heard = time.monotonic()
        self._diary("child_started", child=self.name, pid=self._process.pid)
        await self._process.wait()
        self.ready = False


async def status_of(host: str, port: int, path: str) -> int | None:
    """The status with which a GET of `path` is answered within two seconds, or None."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                return int((await reader.readline()).split()[1])
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, IndexError):
        return None
