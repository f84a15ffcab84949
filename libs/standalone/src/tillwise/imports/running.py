"""One import from the first row to the reconciliation."""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tillwise.client import Client
from tillwise.imports.sending import Rejection, Sender
from tillwise.problems import Problem, told
from tillwise_common.imports.choosing import HowFar, Kind, adapter, opened
from tillwise_common.imports.columns import Wording
from tillwise_common.imports.model import Outgoing, Refused, Tally, Target
from tillwise_common.money import exponent

WAIT_SECONDS = 600.0
Report = Callable[[HowFar, Tally, Sender], None]


class Source(NamedTuple):
    """What a file holds and how it says it."""

    kind: Kind
    format: str
    wording: Wording


class Import:
    """A file on its way into a store."""

    def __init__(self, client: Client, path: Path, source: Source, rejects: Path | None) -> None:
        self._client, self._path, self._source = client, path, source
        store = client.call("GET", "/api/v1/store")
        self.store = str(store["name"])
        self._target = Target(ZoneInfo(store["timezone"]), exponent(store["currency"]), store["currency"])
        self.tally = Tally()
        self._rejects_path = rejects
        self._write_reject: Callable[[list[Any]], Any] = lambda _: None
        # Events on their way, so that a refused one can be told in rows of the file.
        self._sent: dict[int, Outgoing] = {}

    async def run(self, report: Report) -> Sender:
        """Read, send, and wait until everything has been answered."""
        with told(), ExitStack() as stack:
            if self._rejects_path is not None:
                try:
                    file = stack.enter_context(self._rejects_path.open("w", newline="", encoding="utf-8"))
                except OSError as error:
                    raise Problem(f"cannot write {self._rejects_path} ({error.strerror}): choose another file with --rejects") from None
                writer = csv.writer(file)
                writer.writerow(["line", "reason"])
                self._write_reject = writer.writerow
            lines, progress = stack.enter_context(opened(self._path, self._source.format, self._source.wording))
            client = self._client
            async with Sender(client.url, client.key, self._refused_by_platform, self._forget, proxies=client.elsewhere) as sender:
                await self._send_all(self._events(lines), sender, lambda: report(progress, self.tally, sender))
            report(progress, self.tally, sender)
            return sender

    async def _send_all(self, outgoing: Iterator[Outgoing], sender: Sender, report: Callable[[], None]) -> None:
        for number, out in enumerate(outgoing):
            self._count(out)
            self._sent[number] = out
            await sender.send(out.event)
            if number % 500 == 499:
                report()
        await sender.flush()

    def _events(self, lines: Iterator[str]) -> Iterator[Outgoing]:
        try:
            found = adapter(self._source.kind, self._source.format, self._source.wording)
            yield from found.events(lines, self._target, self._reject)
        except Refused as refused:
            raise Problem(f"{self._path} is not in this format ({refused.code}): tillwise import orders --help lists the formats") from None
        except csv.Error as error:
            raise Problem(f"{self._path} is not a CSV file: {error}") from None

    def _count(self, out: Outgoing) -> None:
        tally = self.tally
        tally.rows += len(out.rows)
        tally.accepted += len(out.rows)
        tally.minor_total += out.minor
        tally.file_total += out.exact
        tally.saw_day(out.day)

    def _reject(self, row: int, code: str) -> None:
        self.tally.rows += 1
        self.tally.rejected[code] += 1
        self._write_reject([row, code])

    def _refused_by_platform(self, rejection: Rejection) -> None:
        out = self._sent[rejection.number]
        self.tally.accepted -= len(out.rows)
        self.tally.rejected[rejection.code] += len(out.rows)
        self.tally.minor_total -= out.minor
        self.tally.file_total -= out.exact
        for row in out.rows:
            self._write_reject([row, f"{rejection.code}: {rejection.detail}"])

    def _forget(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            del self._sent[number]

    async def wait(self) -> None:
        """Until the platform has counted everything it accepted. Raises Problem after ten minutes."""
        deadline = time.monotonic() + WAIT_SECONDS
        while await asyncio.to_thread(self._is_counting):
            if time.monotonic() > deadline:
                raise Problem("the platform has not counted everything within ten minutes: tillwise status and the logs say why")
            await asyncio.sleep(0.1)

    def _is_counting(self) -> bool:
        try:
            return bool(self._client.call("GET", "/api/v1/ingest/status")["pending"])
        except Problem:
            # A service that restarts meanwhile is asked again; what was accepted is safe.
            return True

    def total_ever(self) -> int:
        """The store's net sales of all time, in minor units: what it had before the import, and after."""
        answer = self._client.call("GET", "/api/v1/reports/trend?metric=sales&granularity=month&from=1970-01-01&to=2199-12-31", timeout=60)
        return int(answer["totals"]["value"])

    def platform_total(self) -> int:
        """The store's net sales over the file's days, in minor units, as the trend reports them."""
        first, last = self.tally.first_day, self.tally.last_day
        if first is None or last is None:
            return 0
        total = 0
        for begin, end in _years(first, last):
            answer = self._client.call("GET", f"/api/v1/reports/trend?metric=sales&granularity=month&from={begin}&to={end}", timeout=60)
            total += answer["totals"]["value"]
        return total

    def agrees(self, before: int, platform: int) -> bool | None:
        """Whether the platform counts what the file says; None where other sales of the store make that unclear."""
        added = self.total_ever() - before
        if self.tally.minor_total in (platform, added):
            return True
        return None if before else False

    def summary(self, sender: Sender, platform: int | None, agrees: bool | None, seconds: float) -> dict[str, Any]:
        """The reconciliation: what was read, what became of it, and whether the totals agree."""
        tally, scale = self.tally, Decimal(1).scaleb(-self._target.exponent)
        minor = tally.minor_total * scale
        return {
            "lines_read": tally.rows,
            "lines_accepted": tally.accepted,
            "lines_rejected": dict(sorted(tally.rejected.items())),
            "events_sent": sender.sent,
            "events_accepted": sender.accepted,
            "retries": sender.retries,
            "currency": self._target.currency,
            "file_net_total": str(tally.file_total),
            "accepted_net_total": str(minor),
            "rounding": str(tally.file_total - minor),
            "first_day": str(tally.first_day or ""),
            "last_day": str(tally.last_day or ""),
            "platform_net_total": None if platform is None else str(platform * scale),
            "agrees": agrees,
            "seconds": round(seconds, 1),
        }


def _years(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(last, date(first.year, 12, 31))
        yield first, end
        first = end + timedelta(days=1)
