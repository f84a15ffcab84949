"""The names of everything Tillwise keeps in Redis. Hash tags keep what belongs together on one cluster node."""

from __future__ import annotations


def events(partition: int) -> str:
    """The stream of one partition of the stores' events."""
    return f"tw:events:{{{partition}}}"


def dead_letters(partition: int) -> str:
    """Messages of a partition that could not be handled."""
    return f"tw:dead:{{{partition}}}"


def partition_of(store_id: int, partitions: int) -> int:
    """The partition of a store."""
    return store_id % partitions


def requests(topic: str) -> str:
    return f"tw:requests:{{{topic}}}"


def replies(instance: str) -> str:
    return f"tw:replies:{{{instance}}}"


def notices(topic: str) -> str:
    return f"tw:notices:{{{topic}}}"


def heartbeat(consumer: str) -> str:
    """A key that exists as long as a consumer lives."""
    return f"tw:alive:{consumer}"


def suspects(stream: str) -> str:
    """How often entries of a stream were begun after a process had died over them."""
    return f"tw:suspects:{stream}"
