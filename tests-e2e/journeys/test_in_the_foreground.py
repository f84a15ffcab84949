"""`tillwise up` in a terminal: Ctrl-C ends it in order, whenever it comes, and the next start goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tillwise.supervisor.options import free_port


@contextmanager
def foreground(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tillwise", "up", "--data-dir", str(folder), "--port", str(free_port("127.0.0.1")), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def said(process: subprocess.Popen[str], wanted: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if wanted in line:
            return
    raise AssertionError(f"it never said {wanted!r}: {process.stderr.read() if process.stderr else ''}")


def processes_of(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_ctrl_c_after_the_demo_was_made_ends_everything_with_exit_code_0(tmp_path):
    folder = tmp_path / "data"
    with foreground(folder) as process:
        said(process, "Tillwise is ready at")
        said(process, "The demo store has its year of data.")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.strip() == "stopped"
    assert processes_of(folder) == []
    assert (folder / "secrets" / "demo_seeded").exists()


def test_closed_terminal_drains_too(tmp_path):
    folder = tmp_path / "data"
    with foreground(folder, "--no-demo") as process:
        said(process, "Tillwise is ready at")
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert processes_of(folder) == []
    told = [json.loads(line) for line in (folder / "logs" / "supervisor.log").read_text().splitlines()]
    assert {(line["event"], line.get("child")) for line in told} >= {("child_started", "gateway-1"), ("child_started", "postgres-1")}


def test_ctrl_c_while_it_starts_leaves_nothing_behind_and_the_next_start_works(tmp_path, wait_until):
    folder = tmp_path / "data"
    with foreground(folder, "--no-demo") as process:
        wait_until((folder / "logs").exists, "the start begins")
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        wait_until(lambda: processes_of(folder) == [], "nothing is left")
    with foreground(folder, "--no-demo") as process:
        said(process, "Tillwise is ready at")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_down_stops_a_platform_that_is_still_starting(tmp_path, wait_until):
    folder = tmp_path / "data"
    with foreground(folder, "--no-demo") as process:
        wait_until((folder / "run.json").exists, "the start begins")
        subprocess.run([sys.executable, "-m", "tillwise", "down", "--data-dir", str(folder)], check=True, capture_output=True)
        process.communicate(timeout=60)
    wait_until(lambda: processes_of(folder) == [], "nothing is left")
