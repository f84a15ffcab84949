"""Files to webhooks, signed as Standard Webhooks say (id.timestamp.body with HMAC-SHA256)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import socket
import time
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from tillwise_common.jobs.errors import Unrecoverable
from tillwise_worker.deliveries.mail import TryAgain

TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)
PREFIX = "whsec_"
# Addresses behind which there may be others: translated, tunnelled, and those of old.
TRANSLATED = [ipaddress.ip_network(one) for one in ("64:ff9b::/96", "::/96", "2002::/16", "fec0::/10")]
# Whoever answers this wants no more of it.
GONE = 410


class Forbidden(OSError):
    """An address inside of our own network."""


class Gone(Exception):
    """The receiver wants nothing more."""


class PublicResolver(AbstractResolver):
    """Resolves names to addresses of the open internet only; what is connected to is what was looked at."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        found = [one for one in await self._resolver.resolve(host, port, family) if is_public(one["host"])]
        if not found:
            raise Forbidden(f"{host} lies inside of a private network")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(found in network for network in TRANSLATED if network.version == found.version):
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not found.is_multicast


class Webhooks:
    """Posts to webhooks. `private`: also inside of one's own network."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    async def post(self, url: str, secret: str, key: str, body: bytes) -> None:
        """Post a body. Raises Unrecoverable for an address that cannot be, Gone, and TryAgain."""
        try:
            where = URL(url)
        except ValueError:
            raise Unrecoverable("the webhook's address is none") from None
        if not self._private and where.host is not None and _is_literal(where.host) and not is_public(where.host):
            raise Unrecoverable("the webhook lies inside of a private network: WEBHOOK_PRIVATE_ADDRESSES allows that")
        moment = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Tillwise",
            "webhook-id": key,
            "webhook-timestamp": moment,
            "webhook-signature": signature(secret, key, moment, body),
        }
        resolver: Any = ThreadedResolver() if self._private else PublicResolver()
        connector = aiohttp.TCPConnector(resolver=resolver, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session,
                session.post(where, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Forbidden):
                raise Unrecoverable("the webhook lies inside of a private network: WEBHOOK_PRIVATE_ADDRESSES allows that") from None
            raise TryAgain(f"the webhook cannot be reached ({type(error.os_error).__name__})") from None
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise TryAgain(f"the webhook did not answer ({type(error).__name__})") from None
        if status == GONE:
            raise Gone
        if not 200 <= status < 300:
            raise TryAgain(f"the webhook answered {status}")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def signature(secret: str, key: str, moment: str, body: bytes) -> str:
    """What proves to the receiver whom a message is from."""
    digest = hmac.new(base64.b64decode(secret.removeprefix(PREFIX)), f"{key}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
