"""All domains that are settled."""

from __future__ import annotations

from tillwise_analytics.settling.customers import CUSTOMERS
from tillwise_analytics.settling.domain import Domain

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in (CUSTOMERS,)}
