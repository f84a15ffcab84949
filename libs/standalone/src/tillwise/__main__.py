"""`python -m tillwise`: the same as the `tillwise` command."""

from __future__ import annotations

from tillwise.cli import main

main()
