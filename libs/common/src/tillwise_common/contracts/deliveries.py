"""Reports that come by themselves: by e-mail, or to a webhook."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tillwise_common.contracts.exports import Format
from tillwise_common.contracts.stores import Store

Address = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s<>,;:\"\\\x00-\x1f]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")]
Url = Annotated[str, Meta(max_length=2000, pattern=r"^https?://[^\s\x00-\x1f]+$")]


class ByMail(msgspec.Struct, frozen=True, tag="mail", forbid_unknown_fields=True):
    """To these people, all in one message."""

    to: Annotated[list[Address], Meta(min_length=1, max_length=50)]


class ByWebhook(msgspec.Struct, frozen=True, tag="webhook", forbid_unknown_fields=True):
    """To an address that takes what is posted, signed with a secret as in Standard Webhooks ("whsec_" and base64)."""

    url: Url
    secret: str


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of the job: a report as a file, to somebody. `plan` is the schedule that it is of."""

    store: Store
    report: str
    params: dict[str, str]
    format: Format
    way: ByMail | ByWebhook
    plan: str
