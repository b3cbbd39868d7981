"""`make compose-env`, and the settings' way of reading what it makes."""

import stat
from pathlib import Path

import pytest

from api.access.keys import KeyRing
from api.access.roles import Role
from core.settings import SECRETS as SECRETS_FOLDER
from core.settings import Settings
from deploy.container_secrets import KEYS, main, make_secrets

SECRETS = {"valkey.conf", "redis_url", "agent_key", "flower_basic_auth", "keys/api_keys"}
SETTINGS = "settings.env"


def test_each_secret_is_random_and_nobody_else_gets_at_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    keys = [make_secrets(folder) for folder in (first, second)]
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    assert {str(file.relative_to(first)) for file in first.rglob("*") if file.is_file()} == {*SECRETS, SETTINGS}
    assert stat.S_IMODE((first / KEYS).parent.stat().st_mode) == 0o755
    for name in SECRETS:
        # Read by the containers' users, behind the closed folder.
        assert stat.S_IMODE((first / name).stat().st_mode) == 0o644
        assert (first / name).read_text() != (second / name).read_text()
    assert keys[0] != keys[1]
    password = (first / "valkey.conf").read_text().removeprefix("requirepass ").strip()
    assert len(password) >= 40
    assert (first / "redis_url").read_text() == f"redis://:{password}@valkey:6379/0"


def test_the_first_key_is_an_admin_s_and_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "secrets")]) == 0
    presented = capsys.readouterr().out.strip()
    caller = KeyRing(tmp_path / "secrets" / KEYS).find(presented)
    assert caller
    assert caller.role is Role.ADMIN
    assert presented.split(".")[1] not in (tmp_path / "secrets" / KEYS).read_text()
    assert main([str(tmp_path / "secrets")]) == 0
    assert capsys.readouterr().out == ""


def texts(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_what_is_there_stays(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    (tmp_path / "agent_key").unlink()
    before = texts(tmp_path)
    assert make_secrets(tmp_path) is None
    after = texts(tmp_path)
    assert after.keys() - before.keys() == {"agent_key"}
    assert before.items() <= after.items()


@pytest.mark.parametrize("lost", ["valkey.conf", "redis_url"])
def test_valkey_s_password_is_made_anew_in_both_files_that_hold_it(tmp_path: Path, lost: str) -> None:
    names = ("valkey.conf", "redis_url", "agent_key", "flower_basic_auth")
    make_secrets(tmp_path)
    before = {name: (tmp_path / name).read_text() for name in names}
    (tmp_path / lost).unlink()
    make_secrets(tmp_path)
    after = {name: (tmp_path / name).read_text() for name in names}
    assert {name for name in names if after[name] != before[name]} == {"valkey.conf", "redis_url"}
    assert after["redis_url"] == f"redis://:{after['valkey.conf'].split()[1]}@valkey:6379/0"


def test_the_settings_read_secrets_from_files_and_the_environment_wins(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_secrets(tmp_path)
    monkeypatch.delenv("AGENT_KEY", raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    found = Settings(_env_file=None, _secrets_dir=tmp_path)  # type: ignore[call-arg]
    assert found.agent_key == (tmp_path / "agent_key").read_text()
    assert found.redis_url == "redis://elsewhere"
    assert Path("/run/secrets") == SECRETS_FOLDER
