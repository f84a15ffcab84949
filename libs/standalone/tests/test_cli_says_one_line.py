"""Whatever is wrong with a command, or with where it runs, is one clear line that says what to do."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tillwise.supervisor.options import DataFolder, free_port

KEY = "tw_admin_" + "k" * 43
COMMANDS = [
    ["up"], ["down"], ["status"], ["doctor"], ["rebuild"], ["store", "create"], ["store", "list"], ["key", "create"], ["key", "list"],
    ["key", "revoke"], ["import", "orders"], ["import", "stock"],
]  # fmt: skip


def tillwise(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tillwise", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60, check=False)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith("tillwise: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = tillwise(*command, "--help")
    assert done.returncode == 0
    assert "--data-dir" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("up --port 99999", "'--port': it must be at most 65535: tillwise up --help"),
        ("up --gateways 0", "'--gateways': it must be at least 1: "),
        ("up --workers many", "'--workers': it must be a whole number: "),
        (
            "import orders x --store s --format foo",
            "'--format': 'foo' is none of those there are: 'csv', 'xlsx', 'shopify', 'woocommerce', ",
        ),
        ("nonsense", "No such command 'nonsense'"),
        ("store create", "Missing argument 'name': tillwise store create --help shows what it takes"),
        ("store create x --currency EUR", "Missing option '--timezone'"),
        ("store create x --currency EUR --timezone UTC --week-start friday", "'--week-start'"),
        ("key create --store x --scope fly", "unknown scope 'fly': choose from ingest, read, export, admin"),
        ("key create --store x --scope ,", "unknown scope"),
        ("status --nonsense", "--nonsense"),
        ("store create x --currency eur --timezone UTC", "--currency wants an ISO 4217 code in capitals such as EUR, not 'eur'"),
        ("key create --store x --scope read --expires-in-days nan", "--expires-in-days must be more than 0"),
        ("key create --store x --scope read --expires-in-days 0", "--expires-in-days must be more than 0"),
        ("key create --store x --scope read --expires-in-days=-1", "--expires-in-days must be more than 0"),
        ("key create --store x --scope read --expires-in-days 36501", "and at most 36500"),
        ("up --data-dir=", "--data-dir is empty"),
        ("status --data-dir=", "--data-dir is empty"),
    ],
)
def test_a_mistyped_command_gets_one_line(arguments: str, said: str) -> None:
    assert said in one_line(tillwise(*arguments.split()))


def test_store_without_a_name_is_refused() -> None:
    assert "the store needs a name" in one_line(tillwise("store", "create", " ", "--currency", "EUR", "--timezone", "UTC"))


def test_version_is_told() -> None:
    done = tillwise("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"tillwise \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("how", [[], ["--detach"]])
def test_taken_port_leaves_no_folder_behind(tmp_path: Path, how: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} on 127.0.0.1 is taken" in one_line(tillwise("up", "--port", port, "--data-dir", str(tmp_path / "new"), *how))
    assert list(tmp_path.iterdir()) == []


WRONG = {
    "LOG_LEVEL": "LOUD", "MAX_BODY_BYTES": "abc", "DRAIN_SECONDS": "-1", "APP_ENV": "moon", "JOBS_AT_ONCE": "x", "AUDIT_HOUR": "25",
    "REPORTS_AT_ONCE": "0", "DATABASE_URL": "ftp://u:hunter2@x", "REDIS_URL": "zz",
}  # fmt: skip


@pytest.mark.parametrize("how", [[], ["--detach"]])
def test_every_wrong_setting_of_every_service_is_told_before_anything_starts(tmp_path: Path, how: list[str]) -> None:
    where = ("--data-dir", str(tmp_path / "data"), "--port", str(free_port("127.0.0.1")))
    said = one_line(tillwise("up", *where, *how, **WRONG))
    for name in WRONG:
        assert said.count(name) == 1, said
    assert "postgresql://USER:PASSWORD@HOST:5432/DATABASE" in said
    assert "hunter2" not in said
    assert list(tmp_path.iterdir()) == []


def test_key_of_the_command_itself_is_not_revoked(platform: tuple[Path, Any]) -> None:
    folder, _ = platform
    assert "is the key that this command works with" in one_line(tillwise("key", "revoke", "admin", "--data-dir", str(folder)))


def test_no_command_at_all_shows_what_there_is() -> None:
    for arguments in ([], ["store"]):
        done = tillwise(*arguments)
        assert "Usage:" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "status", "status --json", "down", "store list", "key list --json", "key revoke x", "rebuild --store x --check",
        "store create x --currency EUR --timezone UTC", "key create --store x --scope read",
    ],
)  # fmt: skip
def test_where_nothing_runs_it_says_how_to_start(tmp_path: Path, command: str) -> None:
    said = one_line(tillwise(*command.split(), "--data-dir", str(tmp_path / "data")))
    assert said == f"tillwise: no tillwise runs on {tmp_path}/data: start it with tillwise up --data-dir {tmp_path}/data"


def test_the_doctor_looks_at_any_folder(tmp_path: Path) -> None:
    done = tillwise("doctor", "--json", "--data-dir", str(tmp_path / "not" / "yet" / "there"))
    assert done.returncode == 1
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["python"]["ok"]
    assert checks["disk"]["detail"].endswith("GB free")
    assert "start it with tillwise up" in checks["platform"]["detail"]
    assert done.stderr == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_the_doctor_gets_over_a_folder_of_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o000)
    done = tillwise("doctor", "--data-dir", str(tmp_path / "theirs" / "data"))
    assert "GB free" in done.stdout
    assert done.stderr == ""


class Gateway(BaseHTTPRequestHandler):
    """A gateway and the probes of a service, as the server's `answers` say."""

    def do_GET(self) -> None:
        code, body = self.server.answers.get(self.path, (404, b"nothing"))  # type: ignore[attr-defined]
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[tuple[Path, Any]]:
    """A folder on which a platform seems to run, and its gateway."""
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        server.answers = {}  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        data = DataFolder(tmp_path / "data")
        data.prepare()
        data.keep_secret("admin_key", KEY)
        about = {"pid": os.getpid(), "port": server.server_port, "ready": True, "restarts": 0}
        processes = [
            {**about, "service": "gateway", "probe_port": server.server_port},
            {**about, "service": "valkey", "port": None, "probe_port": None},
        ]
        data.write_state({"url": f"http://127.0.0.1:{server.server_port}", "supervisor": os.getpid(), "processes": processes})
        yield data.path, server
        server.shutdown()
        thread.join()


def test_a_proxy_of_the_environment_is_not_for_this_machine(platform: tuple[Path, Any]) -> None:
    folder, server = platform
    server.answers = {"/api/v1/admin/stores": (200, b'{"stores": []}'), "/readyz": (200, b"ok")}
    proxies = {"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1", "no_proxy": ""}
    done = tillwise("store", "list", "--data-dir", str(folder), **proxies)
    assert (done.stdout, done.stderr) == ("no store yet\n", "")
    assert tillwise("doctor", "--data-dir", str(folder), **proxies).returncode == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, b'{"detail": "this key may not", "request_id": "r-1"}'), "tillwise: this key may not (request r-1)"),
        ((502, b"<html>"), "tillwise: the platform answered 502"),
        ((200, b"<html>"), "is no answer of a tillwise"),
    ],
)
def test_what_the_platform_says_is_passed_on(platform: tuple[Path, Any], answer: tuple[int, bytes], said: str) -> None:
    folder, server = platform
    server.answers = {"/api/v1/admin/stores": answer}
    told = one_line(tillwise("store", "list", "--data-dir", str(folder)))
    assert said in told
    assert KEY not in told


def test_status_tells_what_is_true_now(platform: tuple[Path, Any]) -> None:
    folder, server = platform

    def ready() -> dict[str, bool]:
        done = tillwise("status", "--json", "--data-dir", str(folder))
        assert done.returncode == 0, done.stderr
        return {process["service"]: process["ready"] for process in json.loads(done.stdout)["processes"]}

    server.answers = {"/readyz": (200, b"ok")}
    assert ready() == {"gateway": True, "valkey": True}
    server.answers = {"/readyz": (503, b"draining")}
    assert ready() == {"gateway": False, "valkey": True}
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    state = json.loads((folder / "run.json").read_text())
    for process in state["processes"]:
        process["pid"] = dead.pid
    (folder / "run.json").write_text(json.dumps(state))
    assert ready() == {"gateway": False, "valkey": False}


def test_the_doctor_says_what_is_not_ready(platform: tuple[Path, Any]) -> None:
    folder, server = platform
    server.answers = {"/readyz": (503, b"database: cannot connect")}
    done = tillwise("doctor", "--data-dir", str(folder))
    assert done.returncode == 1
    assert "BAD  gateway" in done.stdout
    assert "database: cannot connect" in done.stdout


def test_a_second_start_says_that_one_runs(platform: tuple[Path, Any]) -> None:
    folder, _ = platform
    for how in ([], ["--detach"]):
        said = one_line(tillwise("up", "--data-dir", str(folder), *how))
        assert said == f"tillwise: tillwise runs on {folder} already: tillwise down --data-dir {folder} stops it"
        # Its log is the running platform's.
        assert not (folder / "logs" / "supervisor.log").exists()
