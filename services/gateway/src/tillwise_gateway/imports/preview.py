"""What the first rows of a file would become, without sending anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tillwise_common.contracts.imports import Import
from tillwise_common.imports.reading import Reading
from tillwise_common.ingest.decode import decode

SHOWN_LINES, LONGEST_ROW = 20, 2_000
# So far it is read, that an order whose lines lie apart is seen whole.
READ_LINES = 1_000


def preview(path: Path, order: Import) -> dict[str, Any]:
    """Each of the first lines with what would become of it, and the events of those that would be accepted. Raises Unusable."""
    lines: dict[int, dict[str, Any]] = {}
    events: list[dict[str, Any]] = []

    def tell(line: int, reason: str, row: str) -> None:
        lines[line] = {"line": line, "accepted": False, "reason": reason, "row": row[:LONGEST_ROW]}

    with Reading(path, order, tell, most_lines=READ_LINES) as reading:
        for out in reading:
            refusal = _refusal(out.event, order.store.currency)
            if refusal is not None:
                reading.refused(out, *refusal)
                continue
            for row in out.rows:
                lines[row] = {"line": row, "accepted": True, "reason": None, "row": reading.record(row)[:LONGEST_ROW]}
            events.append({"lines": out.rows, "event": out.event})
    first = sorted(lines)[:SHOWN_LINES]
    return {
        "format": order.format,
        "kind": order.kind,
        "lines": [lines[line] for line in first],
        # What becomes of an order after it was placed stands for no line of its own.
        "events": [one for one in events if not one["lines"] or one["lines"][0] in first][: 2 * SHOWN_LINES],
        "lines_read": reading.tally.rows,
        "lines_accepted": reading.tally.accepted,
        "lines_rejected": dict(sorted(reading.tally.rejected.items())),
    }


def _refusal(event: dict[str, Any], currency: str) -> tuple[str, str] | None:
    """What the platform would say against an event."""
    rejected = decode(msgspec.json.encode(event), lines=True, currency=currency).rejected
    return (rejected[0].code, rejected[0].detail) if rejected else None
