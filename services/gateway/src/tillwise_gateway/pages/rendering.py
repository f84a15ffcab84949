"""Templates, the headers that every page carries, and how values are written for people."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web

from tillwise_common.clock import by_the_clock
from tillwise_common.contracts.groups import shown
from tillwise_common.contracts.reports import Column
from tillwise_common.money import format_minor

# Styles and scripts come from here and nowhere else, none of them inline: injected markup cannot run.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
SCRIPT = "text/javascript"
STATIC = {
    "style.css": "text/css", "queues.css": "text/css", "icon.svg": "image/svg+xml", "trend.js": SCRIPT, "report.js": SCRIPT,
    "queues-live.js": SCRIPT, "queues-ask.js": SCRIPT, "queues-keys.js": SCRIPT,
}  # fmt: skip

# Percents that tell a change.
SIGNED = ("change", "growth")


class Templates:
    """Renders pages; static files are named by their content, so that browsers keep them for ever."""

    def __init__(self) -> None:
        here = files("tillwise_gateway.pages")
        self.static = {name: here.joinpath("static", name).read_bytes() for name in STATIC}
        digests = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self.static.items()}
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("tillwise_gateway.pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        self._environment.globals["static"] = lambda name: f"/static/{name}?{digests[name]}"

    def page(self, name: str, /, *, status: int = 200, **values: Any) -> web.Response:
        """A page from template `name`."""
        text = self._environment.get_template(name).render(**values)
        return web.Response(text=text, status=status, content_type="text/html", headers=SECURITY_HEADERS)


def show(value: Any, column: Column, zone: ZoneInfo | None = None) -> str:
    """A value as people read it; moments by the clock of `zone`, in which they are written."""
    if value is None:
        return "–"
    if column.type == "money":
        # Means are not rounded; people read cents.
        return f"{_grouped(format_minor(round(value), column.unit or ''))} {column.unit}"
    if column.type == "percent":
        # By how much something exceeds another has a sign; a part of a whole has none.
        return f"{value:+,.1%}" if column.name in SIGNED else f"{value:,.1%}"
    if column.type == "duration":
        return f"{value:,.1f} {column.unit or ''}".rstrip()
    if column.type == "boolean":
        return "yes" if value else "no"
    if column.type in ("count", "number"):
        return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    if column.type == "datetime":
        return by_the_clock(str(value), zone) if zone else str(value).replace("T", " ")[:16]
    return shown(value) if column.type == "text" else str(value)


def _grouped(amount: str) -> str:
    whole, point, cents = amount.partition(".")
    return f"{int(whole):,}{point}{cents}" if whole not in ("-0",) else amount
