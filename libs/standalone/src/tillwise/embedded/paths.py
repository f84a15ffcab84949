"""Where things lie: the servers' programs, and sockets, whose paths must be short and plain."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tillwise.problems import CannotStart

# A socket's path may have 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock".
LONGEST = 80
# It travels in URLs and in a comma-separated list of PostgreSQL's.
PLAIN = re.compile(r"[A-Za-z0-9._/~-]+")


def socket_folder(folder: Path) -> Path:
    """A folder for the sockets of the server whose files lie in `folder`."""
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    short = f"tillwise-{os.geteuid()}-{digest}"
    choices = (folder.parent / "sockets", Path(tempfile.gettempdir()) / short)
    fitting = (path for path in choices if len(os.fsencode(path)) <= LONGEST and PLAIN.fullmatch(str(path)))
    return next(fitting, Path("/tmp") / short)  # noqa: S108 - make_private guards it


def make_private(folder: Path) -> None:
    """Make a folder that only we can enter. Raises CannotStart when it is there and somebody else's, as it may be below /tmp."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise CannotStart(f"{folder} is not a folder of ours: remove it, or choose a data folder with a shorter and plainer path")
    folder.chmod(0o700)


def package_folder(name: str) -> Path:
    """The folder of an installed package. Raises CannotStart when it is not there (a platform without wheels)."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(f"{name} is not installed here: run make setup, or set DATABASE_URL and REDIS_URL to servers of yours")
    return Path(spec.submodule_search_locations[0])
