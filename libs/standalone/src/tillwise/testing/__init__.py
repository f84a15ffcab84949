"""Real servers for tests: `pytest_plugins = ["tillwise.testing.plugin"]`."""

from __future__ import annotations

import os


def examples(most: int) -> int:
    """How many examples a property is tried on: so many, or the share of them that TILLWISE_EXAMPLES says (0.2)."""
    return max(round(most * float(os.environ.get("TILLWISE_EXAMPLES", "1"))), 3)
