"""What a client would like best, by its Accept header."""

from __future__ import annotations


def quality(media: str, accept: str) -> float:
    """How much a client wants a media type; of the ranges that match, the most precise one says so."""
    ranges = {"*/*": 0, f"{media.partition('/')[0]}/*": 1, media: 2}
    found = (-1, 0.0)
    for part in accept.lower().split(","):
        kind, *parameters = [piece.strip() for piece in part.split(";")]
        if kind in ranges:
            found = max(found, (ranges[kind], _weight(parameters)))
    return found[1]


def prefers_page(accept: str | None) -> bool:
    """Whether somebody reads the answer in a browser, and no program does."""
    return accept is not None and quality("text/html", accept) > quality("application/json", accept)


def _weight(parameters: list[str]) -> float:
    """The q of a range; one that is no number refuses."""
    asked = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return float(asked)
    except ValueError:
        return 0.0
