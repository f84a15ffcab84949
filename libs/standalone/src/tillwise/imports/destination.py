"""Where an import goes: the platform of a data folder, with a key made for it, or any platform, with a key of a store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tillwise.client import Client
from tillwise.problems import Problem

KEY_SECONDS = 86_400.0
VARIABLE = "TILLWISE_KEY"
WANTED = f"a key of the store is needed (tillwise key create --scope ingest,read): in {VARIABLE}, a file named by {VARIABLE}_FILE, or --key"


@contextmanager
def here(data_dir: Path, store: str | None, purpose: str) -> Iterator[Client]:
    """The platform that runs on `data_dir`, with a key for `store` that ends with the import."""
    if not store:
        raise Problem("name the store that it goes to with --store NAME (or a platform elsewhere with --url)")
    admin = Client.of(data_dir)
    key = admin.add_key(store, ["ingest", "read"], name=purpose[:100], expires_in=KEY_SECONDS)
    try:
        yield Client(admin.url, key["key"])
    finally:
        admin.revoke_key(key["id"])


@contextmanager
def elsewhere(url: str, key: str | None, environ: Mapping[str, str] = os.environ) -> Iterator[Client]:
    """The platform at `url`; the key says which of its stores. Raises Problem."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Problem(f"--url wants an address such as https://shop.example, not {url!r}")
    if parts.username or parts.password:
        raise Problem("--url must not hold a password: a key goes into TILLWISE_KEY")
    yield Client(url, key or _key_of(environ), elsewhere=True)


def _key_of(environ: Mapping[str, str]) -> str:
    key, path = environ.get(VARIABLE, "").strip(), environ.get(f"{VARIABLE}_FILE")
    if key and path:
        raise Problem(f"{VARIABLE} and {VARIABLE}_FILE are both set: keep one")
    if path:
        try:
            key = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"cannot read {VARIABLE}_FILE={path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    if not key:
        raise Problem(WANTED)
    if not key.isascii() or not key.isprintable() or " " in key:
        # Never shown: it is a secret, even a mistyped one.
        raise Problem("the key holds what no key holds (spaces, line breaks, other alphabets): copy it again")
    return key


def without_key(arguments: list[str]) -> tuple[list[str], str] | None:
    """The arguments of a command without the key of `import … --key`, and the key; None when there is none."""
    if arguments[:1] != ["import"] or not any(argument.partition("=")[0] == "--url" for argument in arguments):
        return None
    for place, argument in enumerate(arguments):
        if argument == "--key" and place + 1 < len(arguments):
            return [*arguments[:place], *arguments[place + 2 :]], arguments[place + 1]
        if argument.startswith("--key="):
            return [*arguments[:place], *arguments[place + 1 :]], argument.removeprefix("--key=")
    return None
