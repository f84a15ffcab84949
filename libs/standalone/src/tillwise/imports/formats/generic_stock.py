"""Stock movements and counts from any delimited file with a header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b

from tillwise.imports.formats.base import Format, Job
from tillwise.imports.ledger import Outgoing
from tillwise.imports.mapping import Fields, resolve
from tillwise.imports.moments import ISO, moment_reader
from tillwise.imports.money import LARGEST_PRICE, amount_reader, quantity_of, rounded
from tillwise.imports.orders import LONGEST_KEY, event_id
from tillwise.imports.rows import Rows
from tillwise.imports.seen import Seen
from tillwise_common.contracts import events

FIELDS = Fields(
    synonyms={
        "sku": ("stock code", "product id", "product code", "item", "article", "variant sku", "Artikelnummer"),
        "quantity": ("qty", "units", "change", "delta", "Menge", "Bestand"),
        "reason": ("type", "movement", "movement type", "kind", "Grund"),
        "occurred_at": ("date", "datetime", "timestamp", "created at", "moved at", "counted at", "Datum"),
        "location": ("warehouse", "bin", "store", "Lager", "Lagerort"),
        "unit_cost": ("cost", "cost price", "Einkaufspreis"),
        "id": ("movement id",),
    },
    required=(("sku",), ("quantity",), ("reason",), ("occurred_at",)),
)
WANTED = tuple(FIELDS.synonyms)
MOVEMENTS = frozenset(("receipt", "sale", "return", "transfer", "adjustment"))
COUNTS = frozenset(("count", "counted", "stocktake", "inventory"))


class Movement(events.StockMovement, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """A movement as it is sent."""


class Count(events.StockCount, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """A count as it is sent."""


def read(job: Job) -> Iterator[Outgoing]:
    """One event per line: `stock.counted` where the reason says count, else `stock.moved`."""
    ledger, mapping = job.ledger, job.mapping
    rows = Rows(job.source.lines(), ledger, job.source.name, mapping.delimiter)
    pick, constants, _ = resolve(rows.header, WANTED, FIELDS, mapping, job.source.name)
    money = amount_reader(job.exponent, mapping.decimal)
    moment = moment_reader(job.zone, (mapping.date_format or ISO,))
    ids = _Ids()
    for number, row in rows:
        sku, count, reason, date, location, cost_text, given = (cell.strip() for cell in pick(row + constants))
        quantity, at, reason = quantity_of(count), moment(date), reason.lower()
        cost = money(cost_text) if cost_text else None
        fault = _fault(sku, quantity, reason, at, cost_text and (cost is None or not 0 <= cost <= LARGEST_PRICE))
        if fault or quantity is None or at is None:
            ledger.reject(number, fault)
            continue
        event = _event(sku, quantity, reason, at, location[:256] or None, None if cost is None else rounded(cost))
        event.id = ids.of(given, (sku, count, reason, at.isoformat(), location, cost_text))
        yield Outgoing(event, at, (number,))


def _fault(sku: str, quantity: int | None, reason: str, at: datetime | None, bad_cost: object) -> str:
    if not sku:
        return "missing_sku"
    if len(sku) > LONGEST_KEY:
        return "bad_sku"
    if reason not in MOVEMENTS and reason not in COUNTS:
        return "bad_reason"
    if quantity is None or (reason in COUNTS and quantity < 0):
        return "bad_quantity"
    if bad_cost:
        return "bad_price"
    return "bad_date" if at is None else ""


def _event(
    sku: str, quantity: int, reason: str, at: datetime, location: str | None, cost: int | None
) -> events.StockMoved | events.StockCounted:
    if reason in COUNTS:
        return events.StockCounted(occurred_at=at, data=Count(sku, quantity, location))
    return events.StockMoved(occurred_at=at, data=Movement(sku, quantity, reason, location, cost))  # type: ignore[arg-type]


class _Ids:
    """IDs of movements: the file's own, else made of what the line says, so that overlapping exports count once.

    The same line twice in one file is two movements.
    """

    def __init__(self) -> None:
        self._seen = Seen()
        self._repeats: Counter[str] = Counter()

    def of(self, given: str, cells: tuple[str, ...]) -> str:
        if given:
            return event_id("import:stock:", given)
        key = blake2b("\x1f".join(cells).encode(), digest_size=16).hexdigest()
        if self._seen.add(key):
            return f"import:stock:{key}"
        self._repeats[key] += 1
        return f"import:stock:{key}#{self._repeats[key] + 1}"


FORMAT = Format("csv", "any delimited file with a header, one line per movement or count", FIELDS, read)
