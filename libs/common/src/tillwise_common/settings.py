"""Settings of a service: one typed object, read once from the environment.

Every problem is reported at once, so that nobody fixes a deployment one variable at a time, and a secret
never shows its value, not even in an error.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

S = TypeVar("S", bound="Settings")


class SettingsError(Exception):
    """The environment is not usable; `str()` lists every problem, one a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """A value that must not be printed: `repr`, `str` and logs show `***`; `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Address(NamedTuple):
    """What an address of a server looks like: the schemes it may begin with, and an example."""

    schemes: tuple[str, ...]
    example: str

    def check(self, raw: str) -> None:
        """Raise _Problem for a text that is no such address; without the text, which may hold a password."""
        try:
            parts = urlsplit(raw)
            # A list of hosts (PostgreSQL) is its driver's own affair.
            known = parts.scheme in self.schemes and ("," in parts.netloc or parts.port is None or parts.port > 0)
        except ValueError:
            known = False
        if not known or "://" not in raw:
            raise _Problem(f"is no address of such a server: one looks like {self.example}")


DatabaseUrl = Annotated[Secret, Address(("postgresql", "postgres"), "postgresql://USER:PASSWORD@HOST:5432/DATABASE")]
RedisUrl = Annotated[Secret, Address(("redis", "rediss", "unix"), "redis://:PASSWORD@HOST:6379/0, rediss://… or unix:///PATH")]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "console"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service needs to know. A field `redis_url` is read from `REDIS_URL` or `REDIS_URL_FILE`."""

    database_url: DatabaseUrl
    redis_url: RedisUrl
    app_env: Literal["development", "production", "test"] = "development"
    log_level: LogLevel = "INFO"
    log_format: LogFormat | None = None
    host: str = "127.0.0.1"
    probe_port: Port = 0
    instance: str = msgspec.field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    event_partitions: Annotated[int, msgspec.Meta(ge=1, le=256)] = 4
    drain_grace_seconds: Seconds = 0.0
    drain_seconds: Seconds = 20.0
    database_pool_size: Count = 8
    lifeline_fd: int = -1

    @property
    def logs_as(self) -> LogFormat:
        """The log format asked for, else JSON in production and console elsewhere."""
        return self.log_format or ("json" if self.app_env == "production" else "console")


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """Read `cls` from the environment.

    Raises SettingsError with one line per problem: what is missing, what could not be read, and how to mend it.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in msgspec.structs.fields(cls):
        name = field.name.upper()
        try:
            raw = _raw(name, environ)
            if raw is not None:
                values[field.name] = _convert(raw, field.type)
            elif field.required:
                problems.append(f"{name} is missing: set it (or {name}_FILE); env.example shows how")
        except _Problem as problem:
            problems.append(f"{name} {problem}")
    if problems:
        raise SettingsError(problems)
    return cls(**values)


def check(service: str, cls: type[Settings], environ: Mapping[str, str]) -> NoReturn:
    """Say whether a service could start with this environment, and all that is wrong: exit code 0 or 1."""
    try:
        load(cls, environ)
    except SettingsError as error:
        sys.exit(told(service, error))
    sys.exit(0)


def told(service: str, error: SettingsError) -> str:
    """The problems, as a service says them."""
    return "\n".join(f"tillwise {service}: {problem}" for problem in error.problems)


class _Problem(Exception):
    """Why one variable cannot be used."""


def _raw(name: str, environ: Mapping[str, str]) -> str | None:
    path = environ.get(f"{name}_FILE")
    value = environ.get(name)
    if path and value:
        raise _Problem(f"and {name}_FILE are both set: keep one")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise _Problem(f"cannot be read from {name}_FILE={path}: {error.strerror}") from None
    # An empty variable means "not set": compose files pass those for what the operator left out.
    return value or None


def _convert(raw: str, kind: Any) -> Any:
    parts = get_args(kind)
    if kind is Secret or (parts and parts[0] is Secret):
        for part in parts:
            if isinstance(part, Address):
                part.check(raw)
        return Secret(raw)
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        choices = ", ".join(_choices(kind))
        raise _Problem(f"is not valid: {f'choose from {choices}' if choices else error} (got {raw!r})") from None


def _choices(kind: Any) -> list[str]:
    """The texts that a setting may be, if they can be counted."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [choice for part in get_args(kind) for choice in _choices(part)]
