"""What is told of an import: while it runs, and at its end."""

from __future__ import annotations

from decimal import Decimal

from tillwise_common.contracts.imports import Imported
from tillwise_common.imports.reading import Reading


def summary(reading: Reading, events: int, rejects_expire: int | None = None) -> Imported:
    """How far it is: lines read = accepted + rejected, by reason."""
    tally, target = reading.tally, reading.target
    return Imported(
        lines_read=tally.rows,
        lines_accepted=tally.accepted,
        lines_rejected=dict(sorted(tally.rejected.items())),
        events_accepted=events,
        done=reading.how_far.done(),
        of=reading.how_far.size,
        currency=target.currency,
        file_net_total=str(tally.file_total),
        accepted_net_total=str(tally.minor_total * Decimal(1).scaleb(-target.exponent)),
        first_day=str(tally.first_day) if tally.first_day else None,
        last_day=str(tally.last_day) if tally.last_day else None,
        rejects_expire=rejects_expire,
    )
