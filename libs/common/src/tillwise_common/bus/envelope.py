"""The envelope of every message: CloudEvents attribute names plus what Tillwise needs to trace and to expire it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from tillwise_common import request_id


class Envelope(msgspec.Struct, kw_only=True):
    """One message. `data` is the encoded contract named by `type`; `deadline` is Unix time in seconds or 0."""

    id: str
    type: str
    source: str
    time: float
    data: bytes
    subject: str = ""
    request_id: str = ""
    traceparent: str = ""
    deadline: float = 0.0
    store: str = ""

    def expired(self) -> bool:
        """Whether nobody waits for this message any more."""
        return bool(self.deadline) and time.time() > self.deadline

    def fields(self) -> dict[str | bytes, str | bytes | float | int]:
        """The envelope as the fields of a stream entry; empty ones are left out."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}


class MalformedEnvelope(ValueError):
    """A stream entry that no Tillwise service wrote."""


def new(kind: str, source: str, data: bytes, *, subject: str = "", store: str = "", deadline: float = 0.0) -> Envelope:
    """An envelope for `data`, carrying the current request ID."""
    return Envelope(
        id=request_id.new(),
        type=kind,
        source=source,
        time=time.time(),
        data=data,
        subject=subject,
        store=store,
        deadline=deadline,
        request_id=request_id.current.get(),
    )


def parse(fields: Mapping[bytes, bytes]) -> Envelope:
    """Read an envelope from the fields of a stream entry. Raises MalformedEnvelope."""
    try:
        return Envelope(
            id=fields[b"id"].decode(),
            type=fields[b"type"].decode(),
            source=fields[b"source"].decode(),
            time=float(fields[b"time"]),
            data=fields.get(b"data", b""),
            subject=fields.get(b"subject", b"").decode(),
            request_id=fields.get(b"request_id", b"").decode(),
            traceparent=fields.get(b"traceparent", b"").decode(),
            deadline=float(fields.get(b"deadline", 0)),
            store=fields.get(b"store", b"").decode(),
        )
    except (KeyError, ValueError) as error:
        raise MalformedEnvelope(f"not an envelope: {error!r}") from None
