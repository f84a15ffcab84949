"""`python -m tillwise_worker`."""

from __future__ import annotations

import os
import sys

from tillwise_common import service
from tillwise_worker.settings import WorkerSettings


def main(arguments: list[str]) -> None:
    if arguments not in ([], ["serve"]):
        sys.exit("usage: python -m tillwise_worker [serve]")
    from tillwise_worker.app import build

    service.run("worker", WorkerSettings, dict(os.environ), build)


if __name__ == "__main__":
    main(sys.argv[1:])
