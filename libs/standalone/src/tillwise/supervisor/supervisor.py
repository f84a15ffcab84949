"""`tillwise up`: servers, migrations, services, in order; then watch; then end in the reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from tillwise.embedded.postgres import EmbeddedPostgres, without_postgres
from tillwise.embedded.valkey import EmbeddedValkey
from tillwise.problems import CannotStart
from tillwise.supervisor.child import Child
from tillwise.supervisor.options import ADMIN_EMAIL, DataFolder, Options, check_port, free_port
from tillwise_common.bus.connection import RedisError, Unreachable, connect
from tillwise_common.settings import Secret, Settings, SettingsError, load

START_SECONDS = 60.0
# After a crash a server reads its log again, however long that is.
RECOVERY_SECONDS = 600.0
# When a start that is not over begins to say what it waits for, and how often it goes on.
FIRST_WORD_SECONDS, NEXT_WORD_SECONDS = 5.0, 10.0
# A service may use its own deadline (20 s) before it is killed.
END_SECONDS = 25.0
WATCH_SECONDS = 1.0
SERVICES = ("gateway", "worker", "analytics")


class Supervisor:
    """The life of the platform on one machine."""

    def __init__(self, options: Options, data: DataFolder, tell: Callable[[str], None]) -> None:
        self.options, self.data = options, data
        self._tell = tell
        self._servers: list[Child] = []
        self._services: list[Child] = []
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._roll_wanted = asyncio.Event()
        # How often all services were replaced one by one, and why that went wrong the last time.
        self._rolls = 0
        self._roll_error = ""
        self._generation = 0
        # What a start waits for, where it is not a process.
        self._awaited = ""
        # Children end when this pipe does, however we end.
        self._lifeline = os.pipe()
        self.environment: dict[str, str] = {}

    @property
    def url(self) -> str:
        host = self.options.host if self.options.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104 - only compared
        return f"http://{f'[{host}]' if ':' in host else host}:{self.options.port}"

    async def run(self, when_ready: Callable[[Supervisor], Any]) -> None:
        """Bring everything up, call `when_ready`, and stay until a signal. Raises CannotStart."""
        if not self.data.path.exists():
            # Before anything is made; where a platform lives, that it runs already is the better thing to say.
            check_port(self.options.host, self.options.port)
        elif self.data.taken():
            # It says so; what is wrong with our settings does not matter then.
            self.data.prepare()
        self.environment = self._base_environment()
        servers = self._embedded_servers()
        await self._check_settings()
        self.data.prepare()
        check_port(self.options.host, self.options.port)
        loop = asyncio.get_running_loop()
        # A terminal that is closed asks to stop too.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGUSR1, self._roll_wanted.set)
        # From now on `tillwise down` finds us, ready or not.
        self._write_state()
        side_work: asyncio.Future[Any] | None = None
        try:
            up = asyncio.create_task(self._bring_up(servers))
            stopped = asyncio.create_task(self._stop.wait())
            telling = asyncio.create_task(self._tell_what_takes_long())
            await asyncio.wait({up, stopped}, return_when=asyncio.FIRST_COMPLETED)
            telling.cancel()
            if not up.done():
                up.cancel()
                await asyncio.gather(up, return_exceptions=True)
                return
            up.result()
            self._write_state()
            side_work = asyncio.gather(when_ready(self), self._roll_when_asked())
            await self._watch()
        finally:
            if side_work is not None:
                side_work.cancel()
                await asyncio.gather(side_work, return_exceptions=True)
            await self._end()

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _tell_what_takes_long(self) -> None:
        """A start that takes its time says what it waits for."""
        pause = FIRST_WORD_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = NEXT_WORD_SECONDS
            unready = [child.name if child.probe_port else child.service for child in self._all() if not child.ready]
            what = self._awaited or ", ".join(unready)
            self._tell(f"Waiting for {what} …")
            self.data.diary("waiting", what=what)

    async def _check_settings(self) -> None:
        """Raise CannotStart with all that is wrong with the settings of any service."""
        await _all_well(*(self._command(service, "check") for service in SERVICES))

    async def _bring_up(self, servers: list[EmbeddedPostgres | EmbeddedValkey]) -> None:
        if self._given("REDIS_URL"):
            await check_redis(self.environment)
        await asyncio.gather(*(self._start_server(s) for s in servers))
        self._awaited = "the database to be brought up to date"
        await _all_well(self._command("gateway", "migrate"), self._command("analytics", "migrate"))
        self._awaited = ""
        for service, count in (("analytics", self.options.analytics), ("worker", self.options.workers), ("gateway", self.options.gateways)):
            for number in range(1, count + 1):
                child = self._service(service, number)
                self._services.append(child)
                child.start()
        # Nobody can log in before we say that all is ready.
        await asyncio.gather(self._bootstrap(), *(self._wait_ready(child) for child in self._services))

    def _embedded_servers(self) -> list[EmbeddedPostgres | EmbeddedValkey]:
        servers: list[EmbeddedPostgres | EmbeddedValkey] = []
        if not self._given("REDIS_URL"):
            servers.append(EmbeddedValkey(self.data.path / "valkey"))
            self.environment["REDIS_URL"] = servers[-1].url
        if not self._given("DATABASE_URL"):
            servers.append(EmbeddedPostgres(self.data.path / "postgres"))
            self.environment = without_postgres(self.environment) | {"DATABASE_URL": servers[-1].url}
        return servers

    def _given(self, name: str) -> bool:
        return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))

    async def _start_server(self, server: EmbeddedPostgres | EmbeddedValkey) -> None:
        # Once here, so that a problem is told in one line; again before each restart, for what a crash left behind.
        await asyncio.to_thread(server.prepare)
        child = Child(
            server.service,
            server.command(),
            without_postgres(os.environ),
            self.data.logs / f"{server.service}.log",
            probe=server.ready,
            before_start=server.prepare,
            end_with=signal.SIGINT if server.service == "postgres" else signal.SIGTERM,
            diary=self.data.diary,
        )
        self._servers.append(child)
        child.start()
        await self._wait_ready(child, RECOVERY_SECONDS)
        if isinstance(server, EmbeddedPostgres):
            await asyncio.to_thread(server.ensure_database)

    async def _bootstrap(self) -> None:
        self.data.admin_key()
        self.data.admin_password()
        await self._command("gateway", "bootstrap")

    async def _command(self, service: str, command: str) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"tillwise_{service}", command,
            env=self.environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, errors = await process.communicate()
        finally:
            # Asked to stop meanwhile: a migration is a transaction, so the next start makes it whole.
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            lines = errors.decode(errors="replace").strip().splitlines()
            own = [line.removeprefix(f"tillwise {service}: ") for line in lines if line.startswith(f"tillwise {service}: ")]
            raise CannotStart("; ".join(own or lines[-1:]) or f"{service} {command} failed with exit code {process.returncode}")

    def _base_environment(self) -> dict[str, str]:
        # The admin's key and password are those in secrets/, and a setting may come in one way only.
        given = {name: value for name, value in os.environ.items() if name not in ("ADMIN_KEY", "ADMIN_PASSWORD")}
        return {
            **given,
            "HOST": "127.0.0.1",
            "LOG_FORMAT": os.environ.get("LOG_FORMAT", "json"),
            "DRAIN_GRACE_SECONDS": os.environ.get("DRAIN_GRACE_SECONDS", "0.2"),
            "LIFELINE_FD": str(self._lifeline[0]),
            "ADMIN_KEY_FILE": str(self.data.secret_path("admin_key")),
            "FILES_PLACE": os.environ.get("FILES_PLACE") or str(self.data.path / "files"),
            "ADMIN_EMAIL": os.environ.get("ADMIN_EMAIL", ADMIN_EMAIL),
            "ADMIN_PASSWORD_FILE": str(self.data.secret_path("admin_password")),
        }

    async def _roll_when_asked(self) -> None:
        while True:
            await self._roll_wanted.wait()
            self._roll_wanted.clear()
            try:
                await self._roll()
                self._roll_error = ""
            except (CannotStart, TimeoutError) as error:
                self._roll_error = str(error) or f"a new process was not ready within {START_SECONDS:.0f} seconds"
            self._rolls += 1
            self._write_state()

    async def _roll(self) -> None:
        """Replace all services one by one, the new one first: nobody outside notices. Raises CannotStart and keeps the old one."""
        self._generation += 1
        for old in list(self._services):
            new = self._service(old.service, old.number)
            new.start()
            try:
                await self._wait_ready(new)
            except BaseException:
                await new.stop(END_SECONDS)
                raise
            self._services[self._services.index(old)] = new
            self._write_state()
            try:
                await old.stop(END_SECONDS)
            except BaseException:
                # We are to end meanwhile: what still drains ends with the others, before what it needs.
                self._services.append(old)
                raise

    def _service(self, service: str, number: int) -> Child:
        probe_port = free_port("127.0.0.1")
        # Never the name of another process that lives: a name holds entries of the streams.
        instance = f"{service}-{number}-{os.getpid()}-{self._generation}"
        environment = {**self.environment, "PROBE_PORT": str(probe_port), "INSTANCE": instance}
        if service == "gateway":
            environment |= {"PUBLIC_HOST": self.options.host, "PORT": str(self.options.port), "REUSE_PORT": "true"}
            environment["ASSET_DIR"] = str(self.data.path / "assets")
        return Child(
            service,
            [sys.executable, "-m", f"tillwise_{service}"],
            environment,
            self.data.logs / f"{service}-{number}.log",
            port=self.options.port if service == "gateway" else probe_port,
            probe_port=probe_port,
            pass_fds=(self._lifeline[0],),
            number=number,
            diary=self.data.diary,
        )

    async def _wait_ready(self, child: Child, seconds: float = START_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not await child.check():
                if child.pid is None and child.restarts >= 2:
                    raise CannotStart(f"{child.service} does not start: {child.last_words()}")
                await asyncio.sleep(0.05)

    async def _watch(self) -> None:
        while not self._stop.is_set():
            before = [(c.pid, c.ready) for c in self._all()]
            await asyncio.gather(*(child.check() for child in self._all()))
            if before != [(c.pid, c.ready) for c in self._all()]:
                self._write_state()
            for child in self._all():
                child.bound_log()
                child.end_when_frozen()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), WATCH_SECONDS)

    def _write_state(self) -> None:
        processes = [
            {"service": c.service, "pid": c.pid, "port": c.port, "probe_port": c.probe_port, "ready": c.ready, "restarts": c.restarts}
            for c in self._all()
        ]
        state = {"url": self.url, "supervisor": os.getpid(), "rolls": self._rolls, "roll_error": self._roll_error, "processes": processes}
        self.data.write_state(state)

    def _all(self) -> list[Child]:
        return [*self._services, *self._servers]

    async def _end(self) -> None:
        """Doors first, then those who work, then what they need."""
        ending = asyncio.create_task(self._end_in_order())
        hurrying = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({ending, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            ending.cancel()
            await asyncio.gather(*(child.stop(0.1) for child in self._all()), return_exceptions=True)
        hurrying.cancel()
        self.data.run_file.unlink(missing_ok=True)

    async def _end_in_order(self) -> None:
        for service in SERVICES:
            await asyncio.gather(*(c.stop(END_SECONDS) for c in self._services if c.service == service))
        await asyncio.gather(*(server.stop(END_SECONDS) for server in self._servers))
        if self._services:
            self._tell("stopped")


async def _all_well(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it at once. Raises CannotStart with everything that is in the way, each once."""
    problems = [result for result in await asyncio.gather(*work, return_exceptions=True) if isinstance(result, BaseException)]
    other = [problem for problem in problems if not isinstance(problem, CannotStart)]
    if other:
        raise other[0]
    if problems:
        raise CannotStart("; ".join(dict.fromkeys(part for problem in problems for part in str(problem).split("; "))))


async def check_redis(environment: dict[str, str]) -> None:
    """Raise CannotStart unless the operator's own Redis answers."""
    try:
        redis = connect(load(RedisOnly, environment).redis_url, timeout=3)
        try:
            await redis.ping()
        finally:
            await redis.aclose()
    except (RedisError, *Unreachable, ValueError, SettingsError) as error:
        raise CannotStart(f"cannot reach Redis ({type(error).__name__}): check REDIS_URL and that the server runs") from None


class RedisOnly(Settings, frozen=True, kw_only=True):
    """Only where Redis is; the database is the services' own question."""

    database_url: Secret = Secret("")
