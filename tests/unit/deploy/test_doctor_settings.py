"""`make doctor` before anything else can be asked: settings that cannot be read."""

import pytest

from core.finding import Level
from core.settings import get_settings
from deploy import doctor


def test_settings_that_cannot_be_read_are_named_and_nothing_else_is_looked_at(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATA_TIMEOUT_S", "soon")
    get_settings.cache_clear()
    try:
        (finding,) = doctor.examine()
        assert doctor.main() == 1
    finally:
        get_settings.cache_clear()
    assert (finding.subject, finding.level) == ("settings", Level.FAIL)
    assert "DATA_TIMEOUT_S" in finding.found
    assert "docs/configuration.md" in capsys.readouterr().out
