"""A minute of chaos keeps every promise; with a promise switched off, the oracle says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run.py"


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(RUN), *arguments], capture_output=True, text=True, check=False)


@pytest.mark.timeout(400)
def test_a_minute_of_chaos_loses_nothing_and_counts_nothing_twice():
    # Another seed: CHAOS_SEED=7 make test
    done = chaos("--seconds", "60", "--seed", os.environ.get("CHAOS_SEED", "20261124"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sabotage", ["ack-first", "no-dedupe", "trim-by-length"])
def test_the_oracle_notices_a_promise_that_is_not_kept(sabotage):
    done = chaos("--seconds", "20", "--seed", "2", "--sabotage", sabotage)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "VIOLATION" in done.stdout
    assert "not stored" in done.stdout or "never sent" in done.stdout
