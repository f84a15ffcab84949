"""What is usual: a robust trend and season of a line, made of medians, so that no spike hides itself. No I/O."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from math import copysign, sqrt
from statistics import median
from typing import NamedTuple

# Below four turns of a season, one spike is most of what is known of its position.
TURNS = 4
SIGNIFICANT = 0.01
_PLAIN_WINDOW = 13
# The root of a count is about equally uncertain at every size (Anscombe, 1948).
_SHIFT = 3 / 8


class Parts(NamedTuple):
    """What is usual of each value, on the scale of roots, and what is left. `season` is None where there is none."""

    usual: list[float]
    residual: list[float]
    season: int | None


def root(value: float) -> float:
    """The scale on which values vary alike: a shop that sells four times as much varies twice as much."""
    return copysign(sqrt(abs(value) + _SHIFT) - sqrt(_SHIFT), value)


def unroot(value: float) -> float:
    """The value of a root."""
    return copysign((abs(value) + sqrt(_SHIFT)) ** 2 - _SHIFT, value) if value else 0.0


def decompose(values: Sequence[float], slots: Sequence[int], seasons: dict[int, int]) -> Parts:
    """Trend by running medians, season by medians of what is left per position, twice; each value is judged by the others'.

    `seasons`: lengths that a season may have, shortest first, with how many of their slots occur in `slots`.
    """
    roots = [root(value) for value in values]
    chosen: int | None = None
    usual = trend(roots, _PLAIN_WINDOW)
    for season, per_turn in seasons.items():
        if len(roots) < TURNS * per_turn:
            continue
        level = trend(roots, _window(per_turn))
        # A longer season must tell something that the shorter one in it does not.
        known = seasonal(_less(roots, level), [slot % chosen for slot in slots]) if chosen else [0.0] * len(roots)
        left = _less(_less(roots, level), known)
        if differ(left, [slot % season for slot in slots]) < SIGNIFICANT / len(seasons):
            chosen = season
    if chosen:
        positions = [slot % chosen for slot in slots]
        window = _window(seasons[chosen])
        turn = seasonal(_less(roots, trend(roots, window)), positions)
        level = trend(_less(roots, turn), window)
        turn = seasonal(_less(roots, level), positions)
        usual = [a + b for a, b in zip(level, turn, strict=True)]
    return Parts(usual, _less(roots, usual), chosen)


def trend(values: Sequence[float], window: int) -> list[float]:
    """The running median over an odd `window`; at both ends a line through the medians of slopes (Theil, 1950; Sen, 1968),
    because a window that is cut there would lag behind a trend.
    """
    count = len(values)
    if count <= window:
        return _straight(values, range(count))
    half, held, found = window // 2, sorted(values[:window]), []
    for place in range(half, count - half):
        found.append(held[half])
        if place + half + 1 < count:
            del held[bisect_left(held, values[place - half])]
            insort(held, values[place + half + 1])
    return _straight(values[:window], range(half)) + found + _straight(values[-window:], range(window - half, window))


def seasonal(values: Sequence[float], positions: Sequence[int]) -> list[float]:
    """For each value, the median of the others at its position."""
    held: dict[int, list[float]] = defaultdict(list)
    for position, value in zip(positions, values, strict=True):
        insort(held[position], value)
    return [_median_without(held[position], value) for position, value in zip(positions, values, strict=True)]


def differ(values: Sequence[float], positions: Sequence[int]) -> float:
    """The probability that positions differ as much by chance: the test of Kruskal and Wallis (1952), with ties."""
    # Imported when it is needed: in the calculator's process.
    from scipy.special import chdtrc

    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, ties, place = [0.0] * len(values), 0, 0
    while place < len(order):
        end = place
        while end < len(order) and values[order[end]] == values[order[place]]:
            end += 1
        for index in order[place:end]:
            ranks[index] = (place + end + 1) / 2
        ties += (end - place) ** 3 - (end - place)
        place = end
    held: dict[int, list[float]] = defaultdict(list)
    for position, rank in zip(positions, ranks, strict=True):
        held[position].append(rank)
    count = len(values)
    if len(held) < 2 or ties == count**3 - count:
        return 1.0
    statistic = 12 / (count * (count + 1)) * sum(sum(group) ** 2 / len(group) for group in held.values()) - 3 * (count + 1)
    return float(chdtrc(len(held) - 1, max(0.0, statistic / (1 - ties / (count**3 - count)))))


def _window(per_turn: int) -> int:
    """Whole turns of a season, made odd."""
    return per_turn * (5 if per_turn < 24 else 3 if per_turn < 52 else 1) | 1


def _straight(values: Sequence[float], wanted: range) -> list[float]:
    if len(values) < 3:
        return [median(values) for _ in wanted] if values else []
    slope = median((values[b] - values[a]) / (b - a) for a in range(len(values)) for b in range(a + 1, len(values)))
    level = median(value - slope * place for place, value in enumerate(values))
    return [level + slope * place for place in wanted]


def _median_without(ordered: list[float], value: float) -> float:
    place, count = bisect_left(ordered, value), len(ordered) - 1
    if not count:
        return 0.0

    def at(index: int) -> float:
        return ordered[index + (index >= place)]

    return (at((count - 1) // 2) + at(count // 2)) / 2


def _less(values: Sequence[float], others: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(values, others, strict=True)]
