"""All domains that are settled."""

from __future__ import annotations

from tillwise_analytics.settling.customers import CUSTOMERS
from tillwise_analytics.settling.domain import Domain
from tillwise_analytics.settling.stock import STOCK

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in (CUSTOMERS, STOCK)}
