"""The measurements at scale work on a small shop: it is made, rolled up as a rebuild would, and every report answers from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run.py"
REPORTS = ("trend", "retention", "ltv", "customers", "products", "inventory", "reorder", "stock-ageing")


@pytest.mark.timeout(300)
def test_every_report_is_measured_on_a_made_up_shop(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(RUN), "--only", "reports-at-scale", "--lines", "2000", "--times", "2", "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line["what"] for line in json.loads(figures.read_text())["figures"]]
    for report in REPORTS:
        assert f"{report}, 2,000 order lines, p95" in told
    assert "DIFFER" not in done.stdout
