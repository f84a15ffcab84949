"""`tillwise up`: the whole platform on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.embedded.launch import launched
from tillwise.problems import CannotStart
from tillwise.supervisor.options import DEMO_STORE, DataFolder, Options, check_port

if TYPE_CHECKING:
    from tillwise.supervisor.supervisor import Supervisor

# The supervisor gives up before; it waits long for a database that recovers from a crash.
START_SECONDS = 700.0
LOOK_SECONDS = 0.5


def up(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the gateway.")] = 8080,
    data_dir: DataDir = DEFAULT_DIR,
    gateways: Annotated[int, typer.Option(min=1, max=64, help="Gateway processes; they share the port.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    analytics: Annotated[int, typer.Option(min=1, max=64, help="Analytics processes.")] = 1,
    demo: Annotated[bool, typer.Option(help="Make a demo store with a year of data on the first start.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Return once everything is ready; tillwise down stops it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start everything: Valkey, PostgreSQL, gateway, analytics, worker. Ctrl-C drains and stops."""
    options = Options(host, port, gateways, workers, analytics, demo)
    if detach:
        _detach(options, data_dir, as_json)
        return
    from tillwise.supervisor.supervisor import Supervisor

    def tell(line: str) -> None:
        if not as_json:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    async def live() -> None:
        supervisor = Supervisor(options, DataFolder(data_dir), tell)

        async def when_ready(running: Supervisor) -> None:
            key = await asyncio.to_thread(_demo_key, running.data, running.url) if demo else None
            _announce(running, key, as_json)
            if key is not None and running.data.secret("demo_seeded") is None:
                await _seed(running, key, tell)

        await supervisor.run(when_ready)

    try:
        asyncio.run(live())
    except TimeoutError:
        raise CannotStart(f"the platform did not get ready in time: {data_dir}/logs says why") from None


def down(data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Drain and stop the platform of a data folder."""
    data = DataFolder(data_dir)
    pid = int(data.state()["supervisor"])
    os.kill(pid, 15)
    deadline = time.monotonic() + 100
    # Not before the folder is free, so that it can be started again at once.
    while data.taken():
        if time.monotonic() > deadline:
            raise CannotStart(f"process {pid} does not end: kill -9 {pid}, then start again; nothing is lost by that")
        time.sleep(0.05)
    show({"stopped": pid}, "stopped", as_json)


def restart(data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Replace all services one by one, without a moment in which the platform does not answer."""
    data = DataFolder(data_dir)
    before = data.state()
    os.kill(int(before["supervisor"]), signal.SIGUSR1)
    while (now := data.state())["rolls"] == before["rolls"]:
        time.sleep(0.1)
    if now["roll_error"]:
        raise CannotStart(f"the new processes do not start, the old ones go on: {now['roll_error']}")
    show({"restarted": [p["service"] for p in now["processes"] if p["probe_port"]]}, "restarted", as_json)


def _demo_key(data: DataFolder, url: str) -> str:
    """The key of the demo store, which is made on the first start."""
    from tillwise.client import Client
    from tillwise.problems import Problem

    known = data.secret("demo_key")
    if known is not None:
        return known
    client = Client(url, data.admin_key())
    names = [store["name"] for store in client.call("GET", "/api/v1/admin/stores")["stores"]]
    if DEMO_STORE not in names:
        client.call("POST", "/api/v1/admin/stores", {"name": DEMO_STORE, "currency": "EUR", "timezone": "Europe/Berlin"})
    try:
        return data.keep_secret("demo_key", client.add_key(DEMO_STORE, ["ingest", "read", "export"], name="demo")["key"])
    except Problem as problem:
        raise CannotStart(f"cannot make the demo store: {problem}") from None


async def _seed(supervisor: Supervisor, key: str, tell: Callable[[str], None]) -> None:
    with (supervisor.data.logs / "demo.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *launched([sys.executable, "-m", "tillwise.demo", supervisor.url], death_signal=signal.SIGKILL),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "TILLWISE_KEY": key}, start_new_session=True,
        )  # fmt: skip
        try:
            code = await process.wait()
        finally:
            # When the platform stops meanwhile, the next start goes on with it.
            if process.returncode is None:
                process.kill()
                await process.wait()
    if code == 0:
        supervisor.data.keep_secret("demo_seeded", "yes")
        tell("The demo store has its year of data.")
    else:
        tell(f"The demo data could not be made: {supervisor.data.logs / 'demo.log'} says why.")


def _announce(supervisor: Supervisor, key: str | None, as_json: bool) -> None:
    data = supervisor.data
    about = {
        "url": supervisor.url,
        "admin": {"email": supervisor.environment["ADMIN_EMAIL"], "password": data.admin_password()},
        "api_key": key,
        "data_dir": str(data.path),
        "pid": data.state()["supervisor"],
    }
    if as_json:
        show(about, "", True)
    else:
        sys.stdout.write(_banner(about))
    sys.stdout.flush()


def _banner(about: dict[str, Any]) -> str:
    lines = [
        "",
        f"  Tillwise is ready at {about['url']}",
        "",
        f"  log in     {about['admin']['email']}  /  {about['admin']['password']}",
        f"  API key    {about['api_key'] or 'tillwise key create --store NAME --scope ingest,read'}"
        + ("   (store demo)" if about["api_key"] else ""),
        f"  data       {about['data_dir']}",
        f"  logs       {about['data_dir']}/logs",
        "",
        "",
    ]
    return "\n".join(lines)


def _detach(options: Options, data_dir: Path, as_json: bool) -> None:
    data = DataFolder(data_dir)
    fresh = not data.path.exists()
    if fresh:
        check_port(options.host, options.port)
    elif data.taken():
        # It says so; the log is the running platform's.
        data.prepare()
    arguments = [
        "--host", options.host, "--port", str(options.port), "--data-dir", str(data.path),
        "--gateways", str(options.gateways), "--workers", str(options.workers), "--analytics", str(options.analytics),
        "--demo" if options.demo else "--no-demo", "--json",
    ]  # fmt: skip
    try:
        data.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = (data.logs / "supervisor.log").open("ab")
    except OSError as error:
        raise CannotStart(f"cannot write to {data.path} ({error.strerror}): choose another folder with --data-dir") from None
    with log:
        written_before = log.tell()
        # What it announces holds the password, so it comes through a pipe and never lies in the log.
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "tillwise", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        about = _announcement(process, data.logs / "supervisor.log", written_before, quiet=as_json)
    except BaseException:
        # Ctrl-C too: what was not ready when we left would come up behind the user's back.
        process.terminate()
        if fresh:
            process.wait()
            data.remove_unused()
        raise
    show(about, _banner(about), as_json)


def _announcement(process: subprocess.Popen[bytes], log: Path, written_before: int, *, quiet: bool) -> dict[str, Any]:
    """What the platform says once it is ready. Raises CannotStart with its last words when it ends instead."""
    assert process.stdout is not None
    deadline, told = time.monotonic() + START_SECONDS, 0
    with process.stdout as pipe:
        while not select.select([pipe], [], [], LOOK_SECONDS)[0]:
            if time.monotonic() > deadline:
                raise CannotStart(f"the platform was not ready within {START_SECONDS:.0f} seconds: {log.parent} says why")
            waits = _waits(log.read_bytes()[written_before:])
            if not quiet and len(waits) > told:
                sys.stderr.write(f"Waiting for {waits[-1]} …\n")
            told = len(waits)
        line = pipe.readline()
    if line:
        about: dict[str, Any] = json.loads(line)
        return about
    process.wait()
    said = log.read_bytes()[written_before:].decode(errors="replace").splitlines()
    # The rest of the log are lines of JSON about processes.
    lines = [line for line in said if not line.startswith("{")]
    raise CannotStart((lines or [f"the supervisor ended with exit code {process.returncode}"])[-1].removeprefix("tillwise: "))


def _waits(log: bytes) -> list[str]:
    """What the supervisor's log says that the start waited for."""
    # The last line may be half written.
    lines = [line for line in log.split(b"\n")[:-1] if line.startswith(b"{") and b'"waiting"' in line]
    return [json.loads(line)["what"] for line in lines]
