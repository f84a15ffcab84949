"""A platform with its demo store, and a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import pytest

from tillwise.supervisor.options import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: install it (Debian: apt-get install chromium) to run the browser tests"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A platform with its demo store."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    run = [sys.executable, "-m", "tillwise"]
    port = str(free_port("127.0.0.1"))
    up = subprocess.run(
        [*run, "up", "--detach", "--port", port, "--data-dir", folder, "--json"], capture_output=True, text=True, check=True
    )
    deadline = time.monotonic() + 60
    while not (folder / "secrets" / "demo_seeded").exists():
        assert time.monotonic() < deadline, "the demo data did not come"
        time.sleep(0.1)
    yield json.loads(up.stdout)
    subprocess.run([*run, "down", "--data-dir", folder], check=True, capture_output=True)


@pytest.fixture(scope="module")
def browser():
    """A browser of one module: as long as it runs its library holds the event loop, which journeys want for themselves."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()
