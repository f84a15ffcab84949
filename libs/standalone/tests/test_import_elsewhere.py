"""Imports into a platform on another machine: an address and a key, no data folder, and no secret in sight."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

KEY = "tw_k1_" + "s" * 43
STORE = {"id": 7, "name": "shop", "currency": "EUR", "timezone": "Europe/Berlin", "week_start": "monday"}
ORDERS = "order_id,occurred_at,sku,quantity,unit_price\n1,2024-01-15,A,1,1.00\n"


class Elsewhere:
    """A platform that takes everything from whoever has the key; `look` runs while a request waits for its answer."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.seen: list[Any] = []
        self.look: Callable[[], Any] = lambda: None
        self.moved_to = ""
        self.url = ""


@pytest.fixture
def platform() -> Iterator[Elsewhere]:
    found = Elsewhere()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(STORE)

        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            found.events += [json.loads(line) for line in body.splitlines()]
            self.answer({"accepted": len(body.splitlines()), "duplicates": None, "rejected": []}, 202)

        def answer(self, body: Any, status: int = 200) -> None:
            found.keys.append(self.headers["Authorization"])
            found.seen.append(found.look())
            if found.moved_to:
                status = 301
            elif self.headers["Authorization"] != f"Bearer {KEY}":
                status, body = 401, {"detail": "This key is not valid here.", "request_id": "r"}
            text = json.dumps(body).encode()
            self.send_response(status)
            if found.moved_to:
                self.send_header("Location", found.moved_to)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def bring(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """An import as a process of its own, in an empty folder."""
    (folder / "orders.csv").write_text(ORDERS)
    command = [sys.executable, "-m", "tillwise", "import", "orders", "orders.csv", *arguments]
    surroundings = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | environment
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=surroundings, timeout=60, check=False)


def command_lines() -> list[str]:
    """Of all processes, as `ps` shows them."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(process.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def test_a_key_in_the_environment_opens_a_platform_elsewhere(platform: Elsewhere, tmp_path: Path) -> None:
    done = bring(tmp_path, "--url", platform.url, "--json", TILLWISE_KEY=KEY)
    assert (done.returncode, json.loads(done.stdout)["events_accepted"], [event["id"] for event in platform.events]) == (
        0, 1, ["import:csv:1"],
    ), done.stderr  # fmt: skip
    assert set(platform.keys) == {f"Bearer {KEY}"}
    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]


def test_a_key_in_a_file_opens_it_too(platform: Elsewhere, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    assert bring(tmp_path, "--url", platform.url, TILLWISE_KEY_FILE="key").returncode == 0
    assert len(platform.events) == 1


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
@pytest.mark.parametrize("as_one", [True, False])
def test_a_key_among_the_arguments_is_seen_by_nobody_while_the_import_runs(platform: Elsewhere, tmp_path: Path, as_one: bool) -> None:
    platform.look = command_lines
    option = [f"--key={KEY}"] if as_one else ["--key", KEY]
    done = bring(tmp_path, *option, "--url", platform.url, TILLWISE_KEY_FILE="gone")
    assert (done.returncode, len(platform.events)) == (0, 1), done.stderr
    assert any(platform.url in line for lines in platform.seen for line in lines)
    assert not any(KEY in line for lines in platform.seen for line in lines)
    assert KEY not in done.stdout + done.stderr


def test_a_key_of_another_store_sends_nothing(platform: Elsewhere, tmp_path: Path) -> None:
    done = bring(tmp_path, "--url", platform.url, "--store", "other", TILLWISE_KEY=KEY)
    assert done.stderr == "tillwise: the key opens the store 'shop', not 'other': nothing was sent\n"
    assert platform.events == []


def test_a_redirect_is_told_and_gets_no_key(platform: Elsewhere, tmp_path: Path) -> None:
    platform.moved_to = f"{platform.url}/elsewhere"
    done = bring(tmp_path, "--url", platform.url, TILLWISE_KEY=KEY)
    assert done.stderr == f"tillwise: {platform.url} says that it is at {platform.moved_to}: give that address\n"
    assert len(platform.keys) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--url", "{url}"], {}, "a key of the store is needed"),
        (["--url", "{url}"], {"TILLWISE_KEY": "tw_wrong"}, "This key is not valid here."),
        (["--url", "{url}"], {"TILLWISE_KEY": "a b"}, "the key holds what no key holds"),
        (["--url", "{url}"], {"TILLWISE_KEY": KEY, "TILLWISE_KEY_FILE": "key"}, "are both set: keep one"),
        (["--url", "{url}"], {"TILLWISE_KEY_FILE": "gone"}, "cannot read TILLWISE_KEY_FILE=gone"),
        (["--url", "shop.example"], {"TILLWISE_KEY": KEY}, "--url wants an address such as"),
        (["--url", "http://me:secret@shop.example"], {"TILLWISE_KEY": KEY}, "--url must not hold a password"),
        (["--url", "http://127.0.0.1:1"], {"TILLWISE_KEY": KEY}, "does not answer"),
        (["--key", KEY], {}, "--key belongs to --url"),
        ([], {}, "name the store that it goes to with --store NAME"),
    ],
)
def test_what_is_missing_or_wrong_is_one_clear_line(
    platform: Elsewhere, tmp_path: Path, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    done = bring(tmp_path, *[argument.format(url=platform.url) for argument in arguments], **environment)
    assert (done.returncode, said in done.stderr, done.stderr.count("\n")) == (1, True, 1), done.stderr
    assert KEY not in done.stderr
    assert "secret@" not in done.stderr
    assert platform.events == []
