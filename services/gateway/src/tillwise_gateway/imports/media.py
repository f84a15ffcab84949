"""What an upload is, by what its sender says: the end of a file's name that stands for it."""

from __future__ import annotations

from pathlib import PurePath

from tillwise_common.web.problems import Problem

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUFFIXES = {
    "text/csv": ".csv",
    "application/csv": ".csv",
    "text/plain": ".csv",
    "text/tab-separated-values": ".csv",
    "application/gzip": ".gz",
    "application/x-gzip": ".gz",
    "application/x-xz": ".xz",
    "application/x-bzip2": ".bz2",
    "application/zstd": ".zst",
    "application/x-zstd": ".zst",
    WORKBOOK: ".xlsx",
}
ENCODINGS = {"gzip": ".gz", "x-gzip": ".gz", "zstd": ".zst"}
KNOWN = {*SUFFIXES.values(), ".txt", ".tsv"}
MULTIPART = "multipart/form-data"
LONGEST_NAME = 120


def file_name(media: str, encoding: str, said: str) -> str:
    """A name whose end tells how the file is packed. Raises Problem 415."""
    suffix = PurePath(said).suffix.lower()
    stem = _plain(PurePath(said.replace("\\", "/")).stem) or "import"
    if encoding not in ("", "identity"):
        if encoding not in ENCODINGS:
            raise Problem(415, "unsupported_encoding", f"Content-Encoding must be gzip or zstd, not {encoding[:40]!r}.")
        return stem + ENCODINGS[encoding]
    found = SUFFIXES.get(media.lower()) or (suffix if suffix in KNOWN else None)
    # The name says more than a type that browsers give to anything.
    if media.lower() in ("text/csv", "text/plain", "application/octet-stream", "application/vnd.ms-excel") and suffix in KNOWN:
        found = suffix
    if found is None:
        raise Problem(415, "unsupported_media_type", f"Content-Type must be {MULTIPART} or one of {', '.join(SUFFIXES)}.")
    return stem + found


def _plain(text: str) -> str:
    """Part of a name that is harmless wherever it is written."""
    return "".join(c if c.isalnum() or c in "-_. " else "_" for c in text)[:LONGEST_NAME].strip(" .")
