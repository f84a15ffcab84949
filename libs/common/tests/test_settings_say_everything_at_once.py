"""Settings: typed, all problems at once, secrets never shown."""

from __future__ import annotations

import pytest

from tillwise_common.settings import Secret, Settings, SettingsError, load

GOOD = {"DATABASE_URL": "postgresql://u:hunter2@h/d", "REDIS_URL": "redis://h"}


def test_values_are_typed_and_defaults_fill_in():
    settings = load(Settings, GOOD | {"PROBE_PORT": "9000", "DRAIN_SECONDS": "2.5", "LOG_LEVEL": ""})
    assert (settings.probe_port, settings.drain_seconds, settings.log_level) == (9000, 2.5, "INFO")
    assert settings.database_url.reveal() == "postgresql://u:hunter2@h/d"


def test_all_problems_are_told_at_once_each_with_what_to_do():
    with pytest.raises(SettingsError) as caught:
        load(Settings, {"PROBE_PORT": "many", "LOG_LEVEL": "LOUD", "DATABASE_URL_FILE": "/nowhere/at/all"})
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    for name in ("DATABASE_URL cannot be read", "REDIS_URL is missing: set it", "PROBE_PORT is not valid", "LOG_LEVEL is not valid"):
        assert name in told


def test_a_secret_comes_from_a_file_and_shows_nowhere(tmp_path):
    (tmp_path / "url").write_text("redis://:hunter2@h\n")
    settings = load(Settings, {"DATABASE_URL": "postgres://h/d", "REDIS_URL_FILE": str(tmp_path / "url")})
    assert settings.redis_url == Secret("redis://:hunter2@h")
    assert "hunter2" not in f"{settings!r} {settings.redis_url} {settings.redis_url!r}"


def test_a_variable_and_its_file_together_are_a_problem(tmp_path):
    with pytest.raises(SettingsError, match="both set"):
        load(Settings, GOOD | {"REDIS_URL_FILE": str(tmp_path)})


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("DATABASE_URL", "ftp://u:hunter2@h"), ("DATABASE_URL", "bogus"), ("DATABASE_URL", "hunter2@h/d"), ("DATABASE_URL", "postgresql:h"),
        ("DATABASE_URL", "postgresql://u:hunter2@h:port/d"), ("DATABASE_URL", "redis://h"), ("REDIS_URL", "zz"),
        ("REDIS_URL", "http://:hunter2@h"), ("REDIS_URL", "redis://:hunter2@h:99999"), ("REDIS_URL", "redis://[::1"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_with_what_one_looks_like_and_without_its_password(name, address):
    with pytest.raises(SettingsError) as caught:
        load(Settings, GOOD | {name: address})
    assert caught.value.problems[0].startswith(f"{name} is no address of such a server: one looks like ")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("DATABASE_URL", "postgres://h"), ("DATABASE_URL", "postgresql://u@/d?host=/run/sockets"), ("DATABASE_URL", "postgresql://a:1,b:2/d"),
        ("REDIS_URL", "rediss://:p@h:6380/1"), ("REDIS_URL", "unix:///run/valkey.sock?db=1"), ("REDIS_URL", "redis://[::1]:6379"),
    ],
)  # fmt: skip
def test_addresses_of_all_kinds_are_taken(name, address):
    assert getattr(load(Settings, GOOD | {name: address}), name.lower()).reveal() == address


def test_a_wrong_choice_is_told_with_those_there_are():
    with pytest.raises(SettingsError, match=r"LOG_FORMAT is not valid: choose from json, console \(got 'xml'\)"):
        load(Settings, GOOD | {"LOG_FORMAT": "xml"})


def test_logs_are_json_in_production_and_readable_elsewhere():
    assert load(Settings, GOOD).logs_as == "console"
    assert load(Settings, GOOD | {"APP_ENV": "production"}).logs_as == "json"
    assert load(Settings, GOOD | {"APP_ENV": "production", "LOG_FORMAT": "console"}).logs_as == "console"
