"""Small lines that tell how something went, as SVG that needs no script."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 240, 44, 2


def sparkline(completed: Sequence[int], failed: Sequence[int], label: str) -> Markup:
    """Two lines on one scale: what was completed (an area), and what failed."""
    most = max(*completed, *failed, 1)
    above, below = _points(completed, most), _points(failed, most)
    parts = [
        Markup('<polygon class="area" points="{},{} {} {},{}"/>').format(0, HEIGHT, above, WIDTH, HEIGHT),
        Markup('<polyline class="completed" points="{}"/>').format(above),
    ]
    if any(failed):
        parts.append(Markup('<polyline class="failed" points="{}"/>').format(below))
    # Stretched to its place, without making the lines thicker.
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>{}</svg>'
    ).format(WIDTH, HEIGHT, label, label, Markup().join(parts))


def _points(values: Sequence[int], most: int) -> str:
    step = WIDTH / max(len(values) - 1, 1)
    room = HEIGHT - 2 * EDGE
    return " ".join(f"{n * step:.1f},{HEIGHT - EDGE - value / most * room:.1f}" for n, value in enumerate(values))
