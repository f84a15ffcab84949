"""Where things lie: the servers' programs, and sockets, whose paths must be short."""

from __future__ import annotations

import hashlib
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tillwise.problems import CannotStart

# A socket's path may have 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock".
LONGEST = 80


def socket_folder(folder: Path) -> Path:
    """A folder for the sockets of the server whose files lie in `folder`."""
    own = folder.parent / "sockets"
    if len(os.fsencode(own)) <= LONGEST:
        return own
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tillwise-{os.geteuid()}-{digest}"


def package_folder(name: str) -> Path:
    """The folder of an installed package. Raises CannotStart when it is not there (a platform without wheels)."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(f"{name} is not installed here: run make setup, or set DATABASE_URL and REDIS_URL to servers of yours")
    return Path(spec.submodule_search_locations[0])
