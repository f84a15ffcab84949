"""env.example lists every setting of every service, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tillwise_common.settings import Settings


def test_env_example_lists_all_settings_and_no_others():
    gateway = pytest.importorskip("tillwise_gateway.settings")
    analytics = pytest.importorskip("tillwise_analytics.settings")
    worker = pytest.importorskip("tillwise_worker.settings")
    kinds = (Settings, gateway.GatewaySettings, gateway.BootstrapSettings, analytics.AnalyticsSettings, worker.WorkerSettings)
    known = {field.name.upper() for kind in kinds for field in msgspec.structs.fields(kind)}
    example = (Path(__file__).parents[3] / "env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == known
