"""The embedded servers start anywhere, keep strangers out, and get over whatever killed them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis

from tillwise.embedded import launch, leftovers, paths
from tillwise.embedded.postgres import EmbeddedPostgres, without_postgres
from tillwise.embedded.valkey import EmbeddedValkey
from tillwise.problems import CannotStart

SECONDS = 20.0
Server = EmbeddedPostgres | EmbeddedValkey


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"in vain for {SECONDS:.0f} s: {what}"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def started(server: Server) -> subprocess.Popen[bytes]:
    server.prepare()
    process = subprocess.Popen(server.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(server.ready, f"{server.service} answers")
    return process


@contextmanager
def running(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    process = started(server)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT if server.service == "postgres" else signal.SIGTERM)
        process.wait(SECONDS)
        shutil.rmtree(server.socket.parent if isinstance(server, EmbeddedValkey) else server.sockets, ignore_errors=True)


@pytest.mark.parametrize("name", ["My Shop, 100% é#1 ? & +", "deep/" * 30 + "data"])
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    server = EmbeddedValkey(tmp_path / name / "valkey")
    with running(server), redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
    assert list((tmp_path / name / "valkey").rglob("*.aof")), "its files lie where they should"
    with running(server), redis.Redis.from_url(server.url) as client:
        assert client.get("kept") == b"yes"


async def test_postgres_lives_in_any_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Variables that mean a server of the user's.
    for name, value in {"PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGDATABASE": "no", "PGOPTIONS": "-c nonsense=1"}.items():
        monkeypatch.setenv(name, value)
    server = EmbeddedPostgres(tmp_path / ("My Shop, 100% é#1/" + "deep/" * 20) / "postgres")
    with running(server):
        server.ensure_database()
        server.ensure_database()
        for name in [name for name in os.environ if name.startswith("PG")]:
            monkeypatch.delenv(name)
        connection = await asyncpg.connect(server.url)
        role = await connection.fetchrow("select rolsuper, rolcreaterole from pg_roles where rolname = current_user")
        settings = await connection.fetchrow("select current_setting('listen_addresses'), current_setting('server_encoding')")
        await connection.close()
    assert tuple(role) == (False, True)
    assert tuple(settings) == ("", "UTF8")


def test_what_is_meant_for_a_server_of_the_users_is_left_out() -> None:
    assert without_postgres({"PGPORT": "1", "PATH": "/bin", "PGSSLMODE": "require"}) == {"PATH": "/bin"}


def test_sockets_are_for_their_owner_alone(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.socket.parent.mkdir(mode=0o777)
    server.socket.parent.chmod(0o777)
    with running(server):
        assert server.socket.parent.stat().st_mode & 0o777 == 0o700
        assert server.socket.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_else_put_there_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(CannotStart, match="is not a folder of ours"):
            paths.make_private(tmp_path / name)
    if os.geteuid() == 0:
        os.chown(tmp_path / "theirs", 65534, 65534)
        with pytest.raises(CannotStart, match="is not a folder of ours"):
            paths.make_private(tmp_path / "theirs")


def test_two_folders_never_share_sockets(tmp_path: Path) -> None:
    deep = "deep/" * 30
    folders = {paths.socket_folder(tmp_path / name / "postgres") for name in ("a", "b", f"{deep}a", f"{deep}b", "a b", "a,b")}
    assert len(folders) == 6
    assert all(len(os.fsencode(folder)) <= paths.LONGEST for folder in folders)


def test_every_write_to_valkey_is_on_disk_before_its_reply(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    process = started(server)
    with redis.Redis.from_url(server.url) as client:
        for number in range(200):
            client.rpush("list", number)
        process.kill()
    process.wait(SECONDS)
    # And its stale socket and pid file are in nobody's way.
    with running(server), redis.Redis.from_url(server.url) as client:
        assert client.llen("list") == 200
        settings = client.config_get("*")
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["port"] == "0"


def test_postgres_starts_again_after_kill_9(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    process = started(server)
    server.psql("create table kept (n int)")
    process.kill()
    process.wait(SECONDS)
    assert (server.folder / "postmaster.pid").exists()
    deadline = time.monotonic() + SECONDS
    while True:
        # Its children hold the memory a moment longer; the supervisor tries again just like this.
        server.prepare()
        process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not server.ready():
            time.sleep(0.02)
        if process.poll() is None:
            break
        assert time.monotonic() < deadline
    assert "(0 rows)" in server.psql("select * from kept")
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0


def test_a_cluster_that_was_killed_half_made_is_made_anew(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    preparing = (
        "import sys; from pathlib import Path; from tillwise.embedded.postgres import EmbeddedPostgres as P; P(Path(sys.argv[1])).prepare()"
    )
    process = subprocess.Popen([sys.executable, "-c", preparing, str(server.folder)])
    until(lambda: list(tmp_path.rglob("PG_VERSION")), "initdb has begun")
    process.kill()
    process.wait(SECONDS)
    assert not (server.folder / "PG_VERSION").exists(), "what is unfinished looks like no cluster"
    with running(server):
        server.ensure_database()
    assert [path.name for path in tmp_path.glob("postgres*")] == ["postgres"], "the half one is cleared away"


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "thesis.txt").touch()
    with pytest.raises(CannotStart, match=r"holds files but no database \(thesis.txt\)"):
        EmbeddedPostgres(tmp_path / "postgres").prepare()


@pytest.mark.parametrize("kind", [EmbeddedValkey, EmbeddedPostgres])
def test_a_server_ends_with_the_supervisor_that_was_killed(tmp_path: Path, kind: type[Server]) -> None:
    server = kind(tmp_path / "server")
    server.prepare()
    starting = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=2); print(p.pid, flush=True); p.wait()"
    supervisor = subprocess.Popen(
        [sys.executable, "-c", starting, *server.command()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    until(server.ready, "it answers")
    supervisor.kill()
    supervisor.wait(SECONDS)
    supervisor.stdout.close()
    until(lambda: gone(pid), "it ends too")


@pytest.mark.parametrize("kind", [EmbeddedValkey, EmbeddedPostgres])
def test_a_server_that_outlived_its_supervisor_is_ended(tmp_path: Path, kind: type[Server]) -> None:
    server = kind(tmp_path / "server")
    first = started(server)
    with running(server):
        assert first.wait(SECONDS) is not None


def test_a_stranger_with_the_same_number_is_safe(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.folder.mkdir()
    other = EmbeddedValkey(tmp_path / "other" / "valkey")
    with running(other) as stranger:
        (server.folder / "valkey.pid").write_text(str(stranger.pid))
        server.prepare()
        assert stranger.poll() is None
        assert other.ready()


def test_a_number_that_nobody_has_is_no_problem(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(SECONDS)
    leftovers.end_process(ended.pid, "python", signal.SIGTERM)
    server = EmbeddedValkey(tmp_path / "valkey")
    server.folder.mkdir()
    for text in ("", "nonsense", str(ended.pid)):
        (server.folder / "valkey.pid").write_text(text)
        server.prepare()


def test_it_answers_only_when_it_does(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    assert not server.ready()
    server.prepare()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(server.socket))
        assert not server.ready(), "a socket without a server"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root appears as somebody else")
def test_root_appears_as_nobody_and_its_files_stay_its_own(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", f"id -u; touch '{tmp_path}/made'"]
    done = subprocess.run(launch.launched(command, death_signal=15, as_nobody=True), capture_output=True, text=True, check=True)
    assert done.stdout.strip() not in ("", "0")
    assert (tmp_path / "made").stat().st_uid == 0


def test_the_command_keeps_its_arguments_and_its_exit_code() -> None:
    command = ["/bin/sh", "-c", 'printf "%s|" "$@"; exit 7', "sh", "a b", "--", "--as-nobody"]
    done = subprocess.run(launch.launched(command, death_signal=15), capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("a b|--|--as-nobody|", 7)
