"""Answers questions of the gateway: the catalogue, or one report of one store, inside one read-only transaction."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import orjson

from tillwise_analytics.calculator import Calculator, NotReady, TooSlow
from tillwise_analytics.reports.parameters import InvalidParameters, parse, schema
from tillwise_analytics.reports.registry import REPORTS
from tillwise_analytics.reports.report import Context, Report
from tillwise_analytics.settling.settler import Settler
from tillwise_common import logs, request_id
from tillwise_common.bus.envelope import Envelope
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, DescribeReports, Refusal, Reply, RunReport
from tillwise_common.postgres.pool import Postgres, Unreachable

log = logs.get("reports")
# For what takes a moment when the database is there: a connection, the begin and the end of a transaction.
PATIENCE_SECONDS = 2.0


class ReportAnswerer:
    """The analytics side of `reports`."""

    def __init__(
        self,
        postgres: Postgres,
        settler: Settler,
        calculator: Calculator | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._postgres, self._settler, self._clock = postgres, settler, clock
        self._calculator = calculator or Calculator()

    async def answer(self, question: Envelope) -> bytes:
        """The reply to a question of contracts.reports."""
        asked = reports.decode_question(question.data)
        reply = _catalogue() if isinstance(asked, DescribeReports) else await self._run(asked, question.deadline)
        return reports.encode(reply)

    async def _run(self, asked: RunReport, deadline: float) -> Reply:
        report = REPORTS.get(asked.report)
        if report is None:
            return Refusal(404, "report_not_found", f"There is no report of this name. There are: {', '.join(REPORTS)}.")
        try:
            params = parse(report.params, asked.params, asked.besides)
            if report.needs:
                await self._settle(asked.store.id, report.needs, deadline)
            async with self._postgres.acquire(timeout=PATIENCE_SECONDS) as connection:
                await _begin(connection, asked.store.id, deadline)
                try:
                    return await self._answer(connection, asked, params, deadline)
                finally:
                    await _end(connection)
        except InvalidParameters as error:
            return Refusal(422, "invalid_parameters", str(error), error.errors)
        except NotReady:
            return Refusal(503, "calculator_not_ready", "What computes this gets ready for the first time. Try again in some seconds.")
        except (asyncpg.QueryCanceledError, TooSlow):
            return Refusal(504, "report_too_slow", "The report took too long: ask for a shorter period or fewer groups.")
        except Unreachable as error:
            log.warning("database_unavailable", reason=type(error).__name__)
            return Refusal(503, "database_unavailable", "The database is away. Try again shortly.")
        except Exception:
            # The asker waits: a fault of ours is an answer too.
            log.exception("report_failed", report=asked.report, store=asked.store.id)
            return Refusal(500, "report_failed", "Something went wrong in this report. Tell us the request_id.")

    async def _settle(self, store_id: int, needs: tuple[str, ...], deadline: float) -> None:
        """Raises TooSlow where more is left to be settled than can be before the deadline."""
        left = max(0.1, (deadline - time.time()) * 0.9) if deadline else 30.0
        try:
            async with asyncio.timeout(left):
                await self._settler.settle(store_id, needs)
        except TimeoutError as error:
            raise TooSlow("settling") from error

    async def _answer(self, connection: Any, asked: RunReport, params: msgspec.Struct, deadline: float) -> Reply:
        report, now = REPORTS[asked.report], self._clock().astimezone(ZoneInfo(asked.store.timezone))
        version = await connection.fetchval("select version from analytics.stores where id = $1", asked.store.id)
        # Answers change when events come, and with the clock.
        key = [asked.report, msgspec.to_builtins(params), asked.store.id, version or 0, report.as_of(params, now)]
        etag = f'"{hashlib.sha256(orjson.dumps(key)).hexdigest()[:24]}"'
        if asked.if_none_match is not None and etag in asked.if_none_match:
            return Answer(b"", etag, fresh=False)
        began = time.perf_counter()
        context = Context(connection, asked.store, now, deadline or time.time() + 30, self._calculator)
        answer = await report.run(context, params)
        log.info(
            "report", report=asked.report, store=asked.store.id, rows=len(answer.rows), ms=round((time.perf_counter() - began) * 1000, 2)
        )
        return Answer(orjson.dumps(msgspec.to_builtins(answer)), etag)


async def _end(connection: Any) -> None:
    """The end of the transaction, also of one that was called off; a session that does not even say so is given up."""
    try:
        await connection.execute("rollback", timeout=PATIENCE_SECONDS)
    except (asyncpg.PostgresError, *Unreachable):
        connection.terminate()


async def _begin(connection: Any, store_id: int, deadline: float) -> None:
    try:
        await connection.execute(_transaction(store_id, deadline), timeout=PATIENCE_SECONDS)
    except (TimeoutError, asyncio.CancelledError):
        # The session says nothing: nobody should wait for it again.
        connection.terminate()
        raise


def _transaction(store_id: int, deadline: float) -> str:
    """The start of a transaction that sees one store and ends with the question's deadline, in one round trip."""
    # A refusal must reach the asker before the deadline, so statements end a tenth of the time earlier.
    left = max(1, int((deadline - time.time()) * 900)) if deadline else 30_000
    who = request_id.accept(request_id.current.get())[:40]
    # Every value is a number of ours or was matched against [A-Za-z0-9._-].
    return (
        "begin isolation level repeatable read read only; "
        "set local role tillwise_reader; "
        f"set local tillwise.store_id = '{int(store_id)}'; "
        f"set local statement_timeout = {left}; "
        # A report's plan depends on its dates and filters; the general plan of a repeated statement is up to three times slower.
        "set local plan_cache_mode = force_custom_plan; "
        f"set local application_name = 'tillwise-analytics {who}'"
    )


def _catalogue() -> Answer:
    return Answer(orjson.dumps({"reports": [_described(report) for report in REPORTS.values()]}))


def _described(report: Report) -> dict[str, Any]:
    return {
        "name": report.name,
        "title": report.title,
        "description": report.description,
        "parameters": schema(report.params),
        "columns": [column.described() for column in report.columns],
    }
