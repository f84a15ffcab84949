"""How groups are called: the rest, and those without a name, are told apart from groups that happen to be called so."""

from __future__ import annotations

import re

REST = "others"
# Answers say "" of orders without a channel, country or category; people and spreadsheets read this.
NAMELESS = "(none)"
NAMED_SO = " (named so)"
_NAMED_SO = re.compile(rf"(?:{re.escape(REST)}|{re.escape(NAMELESS)})(?:{re.escape(NAMED_SO)})+")


def group_name(group: str | None) -> str:
    """What an answer calls a group; None is the rest."""
    return REST if group is None else _told_apart(group, REST)


def shown(text: str) -> str:
    """A text of an answer, as people and spreadsheets read it."""
    return _told_apart(text, NAMELESS) if text else NAMELESS


def meant(typed: str) -> str:
    """The name of the group that somebody typed as it was shown."""
    if typed == NAMELESS:
        return ""
    return typed.removesuffix(NAMED_SO) if _NAMED_SO.fullmatch(typed) else typed


def _told_apart(name: str, reserved: str) -> str:
    """`name`, with NAMED_SO behind it if it would be taken for `reserved`, also if it already says NAMED_SO itself."""
    stem = name
    while stem.endswith(NAMED_SO):
        stem = stem.removesuffix(NAMED_SO)
    return name + NAMED_SO if stem == reserved else name
