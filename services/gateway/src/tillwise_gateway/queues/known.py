"""The kinds of jobs that are known: what may be shown of a payload, and which payload fits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from tillwise_common.jobs.kinds import MASKED, Kind, masked
from tillwise_common.jobs.queue import LARGEST_PAYLOAD
from tillwise_common.web.problems import Problem

_FIELD = re.compile(r"`\$\.?([^`]+)`|field `([^`]+)`")


class Known:
    """Kinds by name. Of jobs of any other kind, everything is shown and any object fits."""

    def __init__(self, kinds: Iterable[Kind[Any]]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}

    def of(self, queue: str) -> list[Kind[Any]]:
        """The kinds whose jobs belong into a queue."""
        return [kind for kind in self._kinds.values() if kind.queue == queue]

    def queues(self) -> set[str]:
        return {kind.queue for kind in self._kinds.values()}

    def find(self, name: str, queue: str) -> Kind[Any]:
        """Raises Problem 422 where no such jobs belong into the queue."""
        kind = self._kinds.get(name)
        if kind is None or kind.queue != queue:
            there = ", ".join(kind.name for kind in self.of(queue)) or "none"
            raise Problem(422, "invalid_request", f"name: no such jobs belong into the queue {queue}; there are: {there}", field="name")
        return kind

    def shown(self, name: str, data: bytes) -> bytes:
        """A payload without what is secret in it."""
        return masked(data, self._secret(name))

    def hides(self, name: str) -> bool:
        """Whether something of such payloads is secret."""
        return bool(self._secret(name))

    def fitting(self, name: str, payload: Any, before: bytes = b"{}") -> bytes:
        """A payload as it is kept. What is still masked in it is taken from the one before. Raises Problem 422 with the field."""
        if not isinstance(payload, dict):
            raise _unfit("The payload must be a JSON object.", "")
        if any(payload.get(field) == MASKED for field in self._secret(name)):
            old = msgspec.json.decode(before)
            payload = {
                field: old[field] if value == MASKED and field in self._secret(name) and field in old else value
                for field, value in payload.items()
            }
        data = msgspec.json.encode(self._typed(name, payload))
        if len(data) > LARGEST_PAYLOAD:
            raise _unfit(f"The payload has {len(data)} bytes, more than {LARGEST_PAYLOAD}.", "")
        return data

    def _typed(self, name: str, payload: dict[str, Any]) -> Any:
        kind = self._kinds.get(name)
        if kind is None:
            return payload
        try:
            return msgspec.convert(payload, kind.payload)
        except msgspec.ValidationError as error:
            named = _FIELD.search(str(error))
            raise _unfit(str(error), (named.group(1) or named.group(2)) if named else "") from None

    def _secret(self, name: str) -> tuple[str, ...]:
        kind = self._kinds.get(name)
        return kind.secret if kind is not None else ()


def _unfit(detail: str, field: str) -> Problem:
    return Problem(422, "invalid_payload", detail, field=f"payload.{field}" if field else "payload")
