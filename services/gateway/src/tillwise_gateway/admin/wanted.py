"""What the admin wants made, checked in words that say what to write."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

import msgspec
from msgspec import Meta

from tillwise_common.money import flaw_of_currency
from tillwise_common.web.problems import Problem
from tillwise_gateway.accounts.principal import Scope

# Files beside the zones of some systems: they stand for no place, and no other machine needs to have them.
PSEUDO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
TIMEZONES = available_timezones() - PSEUDO_ZONES
# As many as the command allows.
MOST_SECONDS = 36_500 * 86400
_NAME = re.compile(r"\w[\w .&'-]{0,62}").fullmatch


class NewStore(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    currency: str
    timezone: str
    week_start: Literal["monday", "sunday"] = "monday"

    def check(self) -> None:
        """Raises Problem 422 with the field."""
        if not _NAME(self.name):
            raise _wrong("name", "a store's name has 1 to 63 letters, digits, blanks and . _ & ' - and begins with a letter or digit")
        flaw = flaw_of_currency(self.currency)
        if flaw is not None:
            raise _wrong("currency", flaw)
        if self.timezone not in TIMEZONES:
            raise _wrong("timezone", f"{self.timezone[:60]!r} is no timezone of the IANA list: write one such as Europe/Berlin")


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """`expires_in` is in seconds."""

    store: str
    scopes: Annotated[list[Scope], Meta(min_length=1)]
    name: Annotated[str, Meta(max_length=100)] = ""
    expires_in: float | None = None

    def check(self) -> None:
        """Raises Problem 422 with the field."""
        if self.expires_in is not None and not 0 < self.expires_in <= MOST_SECONDS:
            raise _wrong("expires_in", f"must be more than 0 seconds and at most {MOST_SECONDS} (a hundred years); leave it out for never")


def _wrong(field: str, detail: str) -> Problem:
    return Problem(422, "invalid_request", f"{field}: {detail}", field=field)
