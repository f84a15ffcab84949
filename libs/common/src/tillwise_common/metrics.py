"""Prometheus metrics of a service, in a registry of its own, so that tests and services never share counts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Seconds; from a cached answer to a slow report.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def new_registry() -> CollectorRegistry:
    """A registry that already has the figures of the process (memory, CPU, open files, garbage collection)."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry) -> bytes:
    """The registry in Prometheus' text format."""
    return generate_latest(registry)


class RequestFigures(Collector):
    """Requests by route and status, and how long they took.

    Plain numbers of one event loop: Prometheus' own take a lock for each of them, which tells in what every request does.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts: dict[tuple[str, str], dict[int, int]] = {}
        self._times: dict[str, Times] = {}
        registry.register(self)

    def counts(self, method: str, route: str) -> dict[int, int]:
        """How many answers of each status a route gave; to be counted up in place."""
        return self._counts.setdefault((method, route), {})

    def times(self, route: str) -> Times:
        return self._times.setdefault(route, Times())

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        requests = CounterMetricFamily("tillwise_http_requests", "HTTP requests by route and status", labels=["method", "route", "status"])
        for (method, route), counts in self._counts.items():
            for status, count in sorted(counts.items()):
                requests.add_metric([method, route, str(status)], count)
        yield requests
        seconds = HistogramMetricFamily("tillwise_http_seconds", "Time to answer, in seconds", labels=["route"])
        for route, times in self._times.items():
            seconds.add_metric([route], times.buckets(), times.total)
        yield seconds


class Times:
    """A histogram of seconds in LATENCY_BUCKETS."""

    def __init__(self) -> None:
        self._counts = [0] * (len(LATENCY_BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bounds and how many were not above them."""
        return list(zip(map(floatToGoString, (*LATENCY_BUCKETS, float("inf"))), accumulate(self._counts), strict=True))
