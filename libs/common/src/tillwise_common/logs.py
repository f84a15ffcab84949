"""Structured logs: one JSON object a line, whoever wrote it (structlog, the standard library, aiohttp)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import IO, Any

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer

from tillwise_common import request_id
from tillwise_common.settings import LogFormat, LogLevel

Event = MutableMapping[str, Any]
# Local variables stay out of tracebacks: they hold passwords and customers' data.
_traceback = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def configure(service: str, instance: str, level: LogLevel, render_as: LogFormat, stream: IO[bytes] | None = None) -> None:
    """Send all logs of this process to `stream` (default: standard output), structured."""
    threshold = getattr(logging, level)
    shared: list[Any] = [
        _add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_constants(service, instance),
    ]
    finish = [_rename_exception, orjson_line] if render_as == "json" else [_console_line]
    structlog.configure(
        processors=[*shared, _traceback, *finish] if render_as == "json" else [*shared, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(threshold)
    for noisy in ("asyncio", "arq.worker", "arq.connections"):
        logging.getLogger(noisy).setLevel(max(threshold, logging.WARNING))


def get(name: str) -> Any:
    """A logger for the part `name` of a service."""
    return structlog.get_logger(part=name)


def orjson_line(_: Any, __: str, event: Event) -> bytes:
    """Render an event as one line of JSON; what JSON does not know is written as text."""
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


def _add_request_id(_: Any, __: str, event: Event) -> Event:
    if "request_id" not in event:
        event["request_id"] = request_id.current.get() or None
    return event


def _add_constants(service: str, instance: str) -> Callable[[Any, str, Event], Event]:
    def add(_: Any, __: str, event: Event) -> Event:
        event["service"] = service
        event["instance"] = instance
        return event

    return add


def _rename_exception(_: Any, __: str, event: Event) -> Event:
    if "exception" in event:
        event["error"] = event.pop("exception")
    return event


def _console_line(logger: Any, name: str, event: Event) -> bytes:
    line = _console(logger, name, event)
    return (line if isinstance(line, str) else repr(line)).encode()


_console = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)


class _ToStructlog(logging.Handler):
    """Hands records of the standard library's loggers to structlog, so that there is one format."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # debug, info, warning, error, critical: the standard names in lower case are structlog's methods.
            log = getattr(structlog.get_logger(), record.levelname.lower())
            log(record.getMessage(), part=record.name, exc_info=record.exc_info)
        except Exception:
            self.handleError(record)
