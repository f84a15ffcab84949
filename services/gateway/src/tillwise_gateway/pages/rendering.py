"""Templates, and the headers that every page carries."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Any

import jinja2
from aiohttp import web

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
