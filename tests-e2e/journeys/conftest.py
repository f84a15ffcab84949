"""A whole platform, started as a user starts it, and a shell that speaks to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tillwise.supervisor.options import free_port

PATIENCE_SECONDS = 20


class Shell:
    """Runs `tillwise` on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        """What the command prints (on standard error when it fails)."""
        command = [sys.executable, "-m", "tillwise", *arguments, "--data-dir", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert bool(done.returncode) == fails, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def up(self, *arguments: str) -> dict[str, Any]:
        about: dict[str, Any] = self.json("up", "--detach", "--port", str(free_port("127.0.0.1")), *arguments)
        self.url = about["url"]
        return about

    def http(self, path: str, key: str, body: Any = None, kind: str = "application/json") -> Any:
        """The JSON answer of the gateway."""
        data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Authorization": f"Bearer {key}", "Content-Type": kind})
        with urllib.request.urlopen(request, timeout=15) as answer:
            return json.loads(answer.read())

    def pids(self, service: str) -> list[int]:
        return [p["pid"] for p in self.json("status")["processes"] if p["service"] == service and p["pid"]]


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true answer of `condition`; errors of a platform that is just coming back count as no answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (OSError, urllib.error.URLError):
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"in vain for {PATIENCE_SECONDS} s: {what}")


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], Any], str], Any]:
    return until


@pytest.fixture(scope="module")
def tillwise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A running platform with two of each service and no demo data."""
    shell = Shell(tmp_path_factory.mktemp("platform") / "data")
    shell.up("--no-demo", "--gateways", "2", "--analytics", "2", "--workers", "2")
    yield shell
    shell("down")
