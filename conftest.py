"""All tests run against real servers."""

from __future__ import annotations

pytest_plugins = ["tillwise.testing.plugin"]
