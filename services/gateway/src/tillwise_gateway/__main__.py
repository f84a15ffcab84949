"""`python -m tillwise_gateway [serve|migrate|bootstrap|check]`."""

from __future__ import annotations

import os
import sys

from tillwise_common import settings
from tillwise_common.settings import Settings
from tillwise_gateway.settings import BootstrapSettings, GatewaySettings

NAME = "gateway"


def main(arguments: list[str]) -> None:
    match arguments:
        case [] | ["serve"]:
            from tillwise_common import service
            from tillwise_gateway.app import build

            service.run(NAME, GatewaySettings, dict(os.environ), build)
        case ["migrate"]:
            from tillwise_common import service
            from tillwise_gateway.migrations import run

            service.command(NAME, Settings, dict(os.environ), run)
        case ["bootstrap"]:
            from tillwise_common import service
            from tillwise_gateway.accounts.bootstrap import run as bootstrap

            service.command(NAME, BootstrapSettings, dict(os.environ), bootstrap)
        case ["check"]:
            settings.check(NAME, GatewaySettings, dict(os.environ))
        case _:
            sys.exit("usage: python -m tillwise_gateway [serve|migrate|bootstrap|check]")


if __name__ == "__main__":
    main(sys.argv[1:])
