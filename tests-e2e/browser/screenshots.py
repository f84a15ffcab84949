"""Makes docs/images/trend.png, the README's picture: `.venv/bin/python tests-e2e/browser/screenshots.py [FILE]`.

Starts a platform of its own with the demo store, takes the picture in Chromium and stops it again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tillwise.supervisor.options import free_port

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "trend.png"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SECONDS = 90


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium here: install it (Debian: apt-get install chromium) to take the picture")
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    with tempfile.TemporaryDirectory(prefix="tillwise-picture-") as folder:
        data = Path(folder) / "data"
        command = [sys.executable, "-m", "tillwise"]
        up = [*command, "up", "--detach", "--json", "--port", str(free_port("127.0.0.1")), "--data-dir", str(data)]
        about = json.loads(subprocess.run(up, capture_output=True, text=True, check=True).stdout)
        try:
            _wait_for_demo(data, about)
            _take(chromium, about, picture)
        finally:
            subprocess.run([*command, "down", "--data-dir", str(data)], check=True, capture_output=True)
    print(picture)


def _wait_for_demo(data: Path, about: dict[str, Any]) -> None:
    """Until all demo events are sent and counted; they are counted in the order in which they are sent."""
    deadline = time.monotonic() + SECONDS
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    question = f"{about['url']}/api/v1/reports/trend?metric=orders&from={today - timedelta(days=1)}&to={today}"
    request = urllib.request.Request(question, headers={"Authorization": f"Bearer {about['api_key']}"})
    before = None
    while time.monotonic() < deadline:
        with urllib.request.urlopen(request, timeout=20) as answer:
            version, orders = answer.headers["ETag"], json.load(answer)["totals"]["value"]
        if (data / "secrets" / "demo_seeded").exists() and orders and version == before:
            return
        before = version
        time.sleep(0.5)
    sys.exit("the demo data did not come")


def _take(chromium: str, about: dict[str, Any], picture: Path) -> None:
    from playwright.sync_api import sync_playwright

    # Whole weeks that have ended: a line that falls to nothing on the right would look like bad news.
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    last = today - timedelta(days=today.weekday() + 1)
    first = last - timedelta(days=26 * 7 - 1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(
            viewport={"width": 1200, "height": 960}, color_scheme="light", locale="en-GB", device_scale_factor=1.5,
            extra_http_headers={"Authorization": f"Bearer {about['api_key']}"},
        )  # fmt: skip
        page = context.new_page()
        page.goto(f"{about['url']}/reports/trend?from={first}&to={last}&granularity=week&compare=previous_period")
        page.wait_for_selector("#chart[data-drawn=true]")
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(picture))
        browser.close()


if __name__ == "__main__":
    main()
