"""`python -m tillwise_worker [serve|check]`."""

from __future__ import annotations

import os
import sys

from tillwise_common import settings
from tillwise_worker.settings import WorkerSettings

NAME = "worker"


def main(arguments: list[str]) -> None:
    match arguments:
        case [] | ["serve"]:
            from tillwise_common import service
            from tillwise_worker.app import build

            service.run(NAME, WorkerSettings, dict(os.environ), build)
        case ["check"]:
            settings.check(NAME, WorkerSettings, dict(os.environ))
        case _:
            sys.exit("usage: python -m tillwise_worker [serve|check]")


if __name__ == "__main__":
    main(sys.argv[1:])
