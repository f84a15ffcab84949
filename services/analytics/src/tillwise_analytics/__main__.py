"""`python -m tillwise_analytics [serve|migrate|check]`."""

from __future__ import annotations

import os
import sys

from tillwise_analytics.settings import AnalyticsSettings
from tillwise_common import settings
from tillwise_common.settings import Settings

NAME = "analytics"


def main(arguments: list[str]) -> None:
    match arguments:
        case [] | ["serve"]:
            from tillwise_analytics.app import build
            from tillwise_common import service

            service.run(NAME, AnalyticsSettings, dict(os.environ), build)
        case ["migrate"]:
            from tillwise_analytics.migrations import run
            from tillwise_common import service

            service.command(NAME, Settings, dict(os.environ), run)
        case ["check"]:
            settings.check(NAME, AnalyticsSettings, dict(os.environ))
        case _:
            sys.exit("usage: python -m tillwise_analytics [serve|migrate|check]")


if __name__ == "__main__":
    main(sys.argv[1:])
