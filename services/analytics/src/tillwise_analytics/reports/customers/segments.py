"""The segments, and which scores of recency and frequency make them. No I/O.

The names are those in common use for RFM analysis (Hughes 1994, Strategic Database Marketing, has the scores by fifths).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

SegmentName = Literal[
    "champions", "loyal", "potential_loyalists", "new", "promising", "need_attention", "about_to_sleep", "at_risk", "cant_lose",
    "hibernating", "lost",
]  # fmt: skip
# Who had not bought yet at the day that is compared with.
NOT_YET = "not_yet"
PreviousName = Literal[SegmentName, "not_yet"]
SEGMENTS: tuple[str, ...] = get_args(SegmentName)


class Segment(NamedTuple):
    """What people call it, and whom it holds."""

    title: str
    description: str


DESCRIBED: dict[str, Segment] = {
    "champions": Segment("Champions", "Bought just now, and buy often."),
    "loyal": Segment("Loyal", "Buy often; their last order is not long ago."),
    "potential_loyalists": Segment("Potential loyalists", "Bought lately, and more than once."),
    "new": Segment("New", "Bought for the first time just now."),
    "promising": Segment("Promising", "Bought once, lately."),
    "need_attention": Segment("Need attention", "Bought several times, but not lately."),
    "about_to_sleep": Segment("About to sleep", "Bought once or seldom, and not lately."),
    "at_risk": Segment("At risk", "Bought several times or often, long ago."),
    "cant_lose": Segment("Can't lose", "Were among the most frequent buyers, and stay away."),
    "hibernating": Segment("Hibernating", "Bought once or seldom, long ago."),
    "lost": Segment("Lost", "Bought once or seldom, longest ago."),
    NOT_YET: Segment("Not yet", "Had not bought yet."),
}

# By recency (5 first) and, from left to right, frequency 1 to 5.
_MAP: dict[int, tuple[str, ...]] = {
    5: ("new", "potential_loyalists", "potential_loyalists", "champions", "champions"),
    4: ("promising", "potential_loyalists", "potential_loyalists", "loyal", "loyal"),
    3: ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    2: ("hibernating", "hibernating", "at_risk", "at_risk", "cant_lose"),
    1: ("lost", "lost", "at_risk", "at_risk", "cant_lose"),
}
SCORES = (1, 2, 3, 4, 5)


def segment(recency: int, frequency: int) -> str:
    """The segment of two scores from 1 to 5."""
    return _MAP[recency][frequency - 1]


def code(recency: int, frequency: int) -> int:
    """Both scores in one number, as statements carry them: 51 is recency 5, frequency 1."""
    return 10 * recency + frequency


def named(code: int) -> str:
    """The segment of a code; 0 is who had not bought yet."""
    return segment(*divmod(code, 10)) if code else NOT_YET


def codes(name: str) -> list[int]:
    """The codes that make a segment."""
    if name == NOT_YET:
        return [0]
    return [code(r, f) for r in SCORES for f in SCORES if segment(r, f) == name]
