"""What came of an import: every line, every event and every cent, against what the platform says."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tillwise.imports.formats.base import Job
from tillwise.imports.ledger import Ledger
from tillwise.imports.money import exponent_of


class Lines(msgspec.Struct):
    read: int
    accepted: int
    rejected: dict[str, int]


class Events(msgspec.Struct):
    """`rejected` is by the platform, by code. `split` counts orders that had to become a second one."""

    sent: int
    accepted: int
    rejected: dict[str, int]
    split: int


class Net(msgspec.Struct):
    """The file's total = accepted + rounding + rejected, all in units of the currency; `accepted_minor` is what was sent."""

    file: str
    accepted: str
    rounding: str
    rejected: str
    accepted_minor: int


class Span(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """The first and the last day, in the store's timezone."""

    first: str
    last: str


class Platform(msgspec.Struct):
    """The platform's net sales over the span, what this import added to all it had, and whether they agree with the file.

    `agrees` is None where other data of the store makes a comparison impossible.
    """

    net_minor: int
    added_minor: int
    agrees: bool | None
    note: str


class Summary(msgspec.Struct):
    file: str
    format: str
    store: str
    currency: str
    seconds: float
    lines: Lines
    events: Events
    net: Net | None = None
    span: Span | None = None
    platform: Platform | None = None

    @property
    def failed(self) -> bool:
        """Nothing of the file could be used, or the platform counts something else than the file does."""
        return (self.lines.read > 0 and self.lines.accepted == 0) or (self.platform is not None and self.platform.agrees is False)


def summarise(job: Job, kind: str, money: bool, seconds: float) -> Summary:
    """The books as they are when everything is sent."""
    ledger, currency = job.ledger, job.store.currency
    return Summary(
        file=job.source.name,
        format=kind,
        store=job.store.name,
        currency=currency,
        seconds=round(seconds, 1),
        lines=Lines(ledger.lines_read, ledger.lines_accepted, dict(sorted(ledger.lines_rejected.items()))),
        events=Events(ledger.events_sent, ledger.events_accepted, dict(sorted(ledger.events_rejected.items())), ledger.orders_split),
        net=_net(ledger, exponent_of(currency)) if money else None,
        span=_span(ledger.first, ledger.last, job.store.timezone),
    )


def compare(accepted: int, span_total: int, before: dict[str, int] | None, after: dict[str, int] | None) -> Platform:
    """Whether the platform's net sales are the file's; `before` and `after` are those of all time, by month, where known."""
    had = any((before or {}).values())
    added = sum((after or {}).values()) - sum((before or {}).values())
    if span_total == accepted:
        return Platform(
            span_total, added, True, "the platform's net sales are the file's" + (", which it had already" if had and not added else "")
        )
    if before is not None and added == accepted:
        return Platform(span_total, added, True, "the import added the file's total to other sales of those days")
    if before is None or had:
        return Platform(span_total, added, None, "the store has other sales (or refunds) in those days, so the totals cannot be compared")
    return Platform(span_total, added, False, "the platform's net sales DIFFER from what was accepted")


def table(summary: Summary) -> list[tuple[str, str, str]]:
    """The reconciliation for people: what, how much, a remark."""
    lines, events, net = summary.lines, summary.events, summary.net
    rows = [("Lines read", f"{lines.read:,}", summary.file), ("  accepted", f"{lines.accepted:,}", "")]
    rows += [(f"  rejected: {reason}", f"{count:,}", "") for reason, count in lines.rejected.items()]
    rows += [
        ("Events sent", f"{events.sent:,}", ""),
        ("  accepted by the platform", f"{events.accepted:,}", "each counts once, however often it is sent"),
    ]
    rows += [(f"  rejected: {code}", f"{count:,}", "") for code, count in events.rejected.items()]
    if events.split:
        rows.append(("  orders that became two", f"{events.split:,}", "their lines lie far apart in the file, or are more than 5,000"))
    if net is not None:
        rows.append(
            (f"Net total of the file, {summary.currency}", net.file, f"{summary.span.first} to {summary.span.last}" if summary.span else "")
        )
        rows.append(("  accepted", net.accepted, ""))
        if Decimal(net.rounding):
            rows.append(("  rounded away", net.rounding, "finer than the currency's minor unit"))
        if Decimal(net.rejected):
            rows.append(("  on rejected lines", net.rejected, ""))
    if summary.platform is not None:
        total = _plain(Decimal(summary.platform.net_minor).scaleb(-exponent_of(summary.currency)))
        rows.append(("Net sales of the platform", total, summary.platform.note))
    return rows


def as_json(summary: Summary) -> dict[str, Any]:
    """The reconciliation for programs."""
    found: dict[str, Any] = msgspec.to_builtins(summary)
    return found


def _net(ledger: Ledger, exponent: int) -> Net:
    minor, rounding, rejected = Decimal(ledger.minor_accepted), ledger.rounding, ledger.minor_rejected
    total, accepted, finer, lost = (_plain(amount.scaleb(-exponent)) for amount in (minor + rounding + rejected, minor, rounding, rejected))
    return Net(total, accepted, finer, lost, ledger.minor_accepted)


def _span(first: datetime | None, last: datetime | None, timezone: str) -> Span | None:
    if first is None or last is None:
        return None
    zone = ZoneInfo(timezone)
    return Span(first.astimezone(zone).date().isoformat(), last.astimezone(zone).date().isoformat())


def _plain(amount: Decimal) -> str:
    """Without exponent and without zeros that say nothing, but never rounded."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
