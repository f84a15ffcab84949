"""One JSON object a line, from structlog and the standard library alike, with nothing secret in it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys

import orjson
import pytest
import structlog

from tillwise_common import logs, request_id


@pytest.fixture
def lines():
    stream = io.BytesIO()
    logs.configure("gateway", "g-1", "INFO", "json", stream)
    yield lambda: [orjson.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def test_a_line_says_who_when_and_for_which_request(lines):
    request_id.current.set("r-1")
    structlog.get_logger(part="x").warning("something", amount=5)
    (line,) = lines()
    assert line["timestamp"].endswith("Z")
    expected = {"event": "something", "amount": 5, "level": "warning", "service": "gateway", "instance": "g-1", "request_id": "r-1"}
    assert expected.items() <= line.items()


def test_the_standard_library_speaks_the_same(lines):
    logging.getLogger("aiohttp.server").error("broken %s", "pipe")
    (line,) = lines()
    assert (line["event"], line["part"], line["level"]) == ("broken pipe", "aiohttp.server", "error")


def test_a_traceback_is_structured_and_holds_no_local_variables(lines):
    try:
        password = "hunter2"  # noqa: F841
        raise ValueError("no good")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines()
    assert (line["error"][0]["exc_type"], line["error"][0]["exc_value"]) == ("ValueError", "no good")
    assert "hunter2" not in orjson.dumps(line).decode()


def test_what_is_below_the_level_is_not_written(lines):
    structlog.get_logger().debug("noise")
    logging.getLogger("x").info("kept")
    assert [line["event"] for line in lines()] == ["kept"]


async def test_lines_of_a_busy_loop_share_a_write_and_a_warning_brings_them_out_in_order(lines):
    log = structlog.get_logger()
    log.info("one")
    log.info("two")
    assert lines() == []
    log.warning("three")
    assert [line["event"] for line in lines()] == ["one", "two", "three"]


def test_malformed_request_ids_are_replaced_and_good_ones_kept():
    assert request_id.accept("a.B-9_") == "a.B-9_"
    for bad in (None, "", "x" * 129, "a b", "a\nb", "ä"):
        assert request_id.accept(bad) != bad
    assert request_id.new() != request_id.new()


def test_services_do_not_import_what_colours_tracebacks():
    script = "import sys, tillwise_common.logs as logs; assert 'rich' not in sys.modules, 'rich'"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_command_does_not_import_a_server():
    script = "import sys, tillwise_common.service; assert not {'aiohttp', 'prometheus_client'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


NO_START = """
from tillwise_common import service
from tillwise_common.lifecycle import StartError
from tillwise_common.settings import Settings

class Part:
    async def start(self):
        raise StartError("the sky is not there")

    async def drain(self): ...
    async def close(self): ...

url = {"DATABASE_URL": "postgresql://h", "REDIS_URL": "redis://h", "LOG_FORMAT": %r}
service.run("gateway", Settings, url, lambda running, _: running.lifecycle.add(Part()))
"""


def test_the_last_line_of_a_service_that_cannot_start_is_as_the_others():
    done = subprocess.run([sys.executable, "-c", NO_START % "json"], capture_output=True, check=False)
    found = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert (found[-1]["event"], found[-1]["reason"], found[-1]["service"]) == ("cannot_start", "the sky is not there", "gateway")
    assert (done.returncode, done.stderr) == (1, b"")
    done = subprocess.run([sys.executable, "-c", NO_START % "console"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"tillwise gateway: the sky is not there\n")
