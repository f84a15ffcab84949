"""`python -m tillwise_analytics [serve|migrate]`."""

from __future__ import annotations

import os
import sys

from tillwise_analytics.settings import AnalyticsSettings
from tillwise_common import service
from tillwise_common.settings import Settings

NAME = "analytics"


def main(arguments: list[str]) -> None:
    match arguments:
        case [] | ["serve"]:
            from tillwise_analytics.app import build

            service.run(NAME, AnalyticsSettings, dict(os.environ), build)
        case ["migrate"]:
            from tillwise_analytics.migrations import run

            service.command(NAME, Settings, dict(os.environ), run)
        case _:
            sys.exit("usage: python -m tillwise_analytics [serve|migrate]")


if __name__ == "__main__":
    main(sys.argv[1:])
