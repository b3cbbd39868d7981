"""An agent's URL is shown in errors, pages and logs, so it holds no secret."""

from typing import Any

import pytest

from core.settings import Settings

URL = "http://ann:s3cret@127.0.0.1:9000"


@pytest.mark.parametrize(("setting", "value"), [
    ("nlp_agent_url", URL), ("nlp_agent_url", "http://ann:s3cret/x@host"), ("nlp_agent_url", "http://[s3cret]x@host"),
    ("data_agent_url", URL), ("viz_agent_url", "https://token-s3cret@host"),
    ("agents", {"weather": {"url": URL}})])
def test_a_password_in_an_agents_url_is_refused_and_not_shown(setting: str, value: Any) -> None:
    with pytest.raises(ValueError, match=setting) as refused:
        Settings(_env_file=None, **{setting: value})
    assert "AGENT_KEY" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_an_at_sign_in_a_path_is_no_password() -> None:
    assert Settings(_env_file=None, nlp_agent_url="http://host/@nlp").nlp_agent_url == "http://host/@nlp"
