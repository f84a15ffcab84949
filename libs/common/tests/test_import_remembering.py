"""Rejected lines are shown as they were, and no more is kept for that than a bounded past."""

from __future__ import annotations

from tillwise_common.imports import remembering
from tillwise_common.imports.remembering import Remembering


def read(lines: list[str]) -> Remembering:
    found = Remembering(iter(lines))
    assert list(found) == lines
    return found


def test_a_record_over_several_lines_is_shown_whole():
    found = read(["a,b\n", '1,"two\n', "\n", 'lines"\n', "2,x\r\n"])
    assert found.record(2) == '1,"two\n\nlines"'
    assert found.record(5) == "2,x"


def test_a_quotation_mark_that_nobody_closes_shows_its_own_line_only():
    assert read(['1,"two\n', "3,4\n", "5,6\n"]).record(1) == '1,"two'


def test_bytes_that_are_no_text_and_nul_are_shown_as_such():
    assert read(["a\udcffb\0c\n"]).record(1) == "a\ufffdb\ufffdc"


def test_what_was_too_long_ago_or_never_there_is_empty():
    found = read([f"{n}\n" for n in range(1, remembering.MOST_LINES + 11)])
    assert (found.record(10), found.record(11), found.record(10**9)) == ("", "11", "")


def test_long_lines_are_forgotten_sooner():
    long = "x" * (remembering.MOST_CHARACTERS // 4)
    found = read([long] * 6)
    assert (found.record(2), found.record(3)) == ("", long)
