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
# For sessions that read. Starting helpers costs more than a report's few ten thousand rows; what reads millions has them all the same.
READING = {"parallel_setup_cost": "200000"}
# Of the time until the deadline, a statement may take the first part; at the second at the latest somebody is told that it
# is not enough, while there is still time to say so.
STATEMENT_PART, ANSWER_PART = 0.9, 0.95
NO_DEADLINE_SECONDS = 30.0
TOO_SLOW = Refusal(504, "report_too_slow", "The report took too long: ask for a shorter period or fewer groups.")
BUSY = Refusal(504, "reports_busy", "Other reports were in front of this one, and its time was over before its turn. Try again shortly.")


class ReportAnswerer:
    """The analytics side of `reports`."""

    def __init__(
        self,
        postgres: Postgres,
        settler: Settler,
        calculator: Calculator | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        longest: float = NO_DEADLINE_SECONDS,
    ) -> None:
        self._postgres, self._settler, self._clock, self._longest = postgres, settler, clock, longest
        self._calculator = calculator or Calculator()
        # What was called off and has not ended yet.
        self._ending: set[asyncio.Task[Reply]] = set()

    async def answer(self, question: Envelope) -> bytes:
        """The reply to a question of contracts.reports."""
        asked = reports.decode_question(question.data)
        reply = _catalogue() if isinstance(asked, DescribeReports) else await self._in_time(asked, question.deadline)
        return reports.encode(reply)

    async def _in_time(self, asked: RunReport, deadline: float) -> Reply:
        """The answer, or a refusal while somebody still waits for one: a report asks many statements, and each may take long."""
        running = asyncio.create_task(self._run(asked, deadline))
        self._ending.add(running)
        running.add_done_callback(self._ending.discard)
        try:
            await asyncio.wait({running}, timeout=max(0.05, (deadline - time.time()) * ANSWER_PART) if deadline else None)
        finally:
            # It gives its connection back in its own time.
            if not running.done():
                running.cancel()
        return running.result() if running.done() else TOO_SLOW

    async def _run(self, asked: RunReport, deadline: float) -> Reply:
        report = REPORTS.get(asked.report)
        if report is None:
            return Refusal(404, "report_not_found", f"There is no report of this name. There are: {', '.join(REPORTS)}.")
        try:
            params = parse(report.params, asked.params, asked.besides)
            if report.needs:
                await self._settle(asked.store.id, report.needs, deadline)
            async with self._postgres.acquire(timeout=PATIENCE_SECONDS) as connection:
                await _begin(connection, asked.store.id, self._statement_seconds(deadline))
                try:
                    return await self._answer(connection, asked, params, deadline)
                finally:
                    await _end(connection)
        except InvalidParameters as error:
            return Refusal(422, "invalid_parameters", str(error), error.errors)
        except NotReady:
            return Refusal(503, "calculator_not_ready", "What computes this gets ready for the first time. Try again in some seconds.")
        except (asyncpg.QueryCanceledError, TooSlow):
            return TOO_SLOW
        except Unreachable as error:
            log.warning("database_unavailable", reason=type(error).__name__)
            return Refusal(503, "database_unavailable", "The database is away. Try again shortly.")
        except Exception:
            # The asker waits: a fault of ours is an answer too.
            log.exception("report_failed", report=asked.report, store=asked.store.id)
            return Refusal(500, "report_failed", "Something went wrong in this report. Tell us the request_id.")

    def _statement_seconds(self, deadline: float) -> float:
        """How long a statement may take: it ends before its asker gives up, and before its connection does."""
        return min(self._longest, max(0.001, (deadline - time.time()) * STATEMENT_PART)) if deadline else self._longest

    async def _settle(self, store_id: int, needs: tuple[str, ...], deadline: float) -> None:
        """Raises TooSlow where more is left to be settled than can be before the deadline."""
        left = max(0.1, (deadline - time.time()) * STATEMENT_PART) if deadline else NO_DEADLINE_SECONDS
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


async def _begin(connection: Any, store_id: int, seconds: float) -> None:
    try:
        await connection.execute(_transaction(store_id, seconds), timeout=PATIENCE_SECONDS)
    except (TimeoutError, asyncio.CancelledError):
        # The session says nothing: nobody should wait for it again.
        connection.terminate()
        raise


def _transaction(store_id: int, seconds: float) -> str:
    """The start of a transaction that sees one store and whose statements take `seconds` at most, in one round trip."""
    who = request_id.accept(request_id.current.get())[:40]
    # Every value is a number of ours or was matched against [A-Za-z0-9._-].
    return (
        "begin isolation level repeatable read read only; "
        "set local role tillwise_reader; "
        f"set local tillwise.store_id = '{int(store_id)}'; "
        f"set local statement_timeout = {max(1, int(seconds * 1000))}; "
        # A report's plan depends on its dates and filters; the general plan of a repeated statement is up to three times slower.
        "set local plan_cache_mode = force_custom_plan; "
        f"set local application_name = 'tillwise-analytics {who}'"
    )


def turn_away(_: Envelope) -> bytes:
    """The reply to a question whose time is over before its turn comes."""
    return reports.encode(BUSY)


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
