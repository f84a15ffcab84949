"""What the worker tells Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tillwise_common.jobs.record import State

SECONDS = (0.005, 0.05, 0.5, 1, 5, 30, 60, 300, 1800)


class Metrics:
    """Jobs by queue, name and how they ended; how long they took; how many are in each state."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter("tillwise_jobs", "Jobs that ended, by how", ["queue", "name", "outcome"], registry=registry)
        self._seconds = Histogram("tillwise_job_seconds", "How long jobs took", ["queue", "name"], buckets=SECONDS, registry=registry)
        self._states = Gauge("tillwise_jobs_in_state", "Jobs in each state", ["queue", "state"], registry=registry)
        self._known: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def ended(self, queue: str, name: str, outcome: str, seconds: float) -> None:
        """Count a job that ended."""
        found = self._known.get((queue, name, outcome))
        if found is None:
            found = self._known[queue, name, outcome] = (self._ended.labels(queue, name, outcome), self._seconds.labels(queue, name))
        found[0].inc()
        found[1].observe(seconds)

    def states(self, queue: str, counts: Mapping[State, int]) -> None:
        """Tell how many jobs are in each state."""
        for state, many in counts.items():
            self._states.labels(queue, state).set(many)
