"""Valkey behind TLS: everything of ours speaks it, and nobody tells a server that nobody vouches for anything."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from pydantic import ValidationError

from core.settings import ROOT, Settings
from deploy.local import readiness
from tests.direct_api import LocalApi
from tests.here import settings_here
from tests.processes import AGENTS, LocalValkey, LocalWorker
from tests.scripted_agent import STANDARD, ScriptedAgent
from tests.tls_front import Certificate, TlsFront, certificate

PASSWORD = "not-for-everybody"
EACH_LIBRARY = """
import asyncio
from flower.utils.broker import Broker
from redbeat.schedulers import get_redis
from core.valkey import sync_client
from tasks import app

def flower():
    url = app.connection().as_uri(include_password=True)
    broker = Broker(url, broker_options=app.conf.broker_transport_options, broker_use_ssl=app.conf.broker_use_ssl)
    asyncio.run(broker.queues(["baton"]))

for name, call in {"ours": lambda: sync_client().ping(), "broker": lambda: app.connection().connect(),
                   "backend": lambda: app.backend.client.ping(), "redbeat": lambda: get_redis(app).ping(),
                   "flower": flower}.items():
    try:
        call()
        print(f"{name}:well")
    except Exception as error:
        print(f"{name}:CERTIFICATE_VERIFY_FAILED" if "CERTIFICATE_VERIFY_FAILED" in str(error) else f"{name}:{error!r}")
"""


@dataclass
class Secured:
    """A Valkey with a password behind TLS, and the certificate that vouches for it."""

    front: TlsFront
    certificate: Certificate

    @property
    def url(self) -> str:
        return f"rediss://:{PASSWORD}@localhost:{self.front.port}/0"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    valkey, shown = LocalValkey(folder), certificate(folder, "valkey")
    try:
        valkey.ready()
        valkey.client.config_set("requirepass", PASSWORD)
        with TlsFront(valkey.port, shown).serving() as front:
            yield Secured(front, shown)
    finally:
        valkey.discard()


@pytest.fixture(scope="module", params=["its authority", "another"])
def authority(request: pytest.FixtureRequest, secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    return secured.certificate.file if request.param == "its authority" else certificate(folder, "another").file


def run(secured: Secured, authority: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *command], cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
                          env={**os.environ, "REDIS_URL": secured.url, "REDIS_CA_FILE": str(authority)})


def test_a_question_is_answered_over_tls_alone(secured: Secured, tmp_path: Path) -> None:
    with ScriptedAgent(STANDARD).serving() as agent:
        environment = {"REDIS_URL": secured.url, "REDIS_CA_FILE": str(secured.certificate.file),
                       "RATE_LIMIT": "50/minute", **{f"{name.upper()}_AGENT_URL": agent.url for name in AGENTS}}
        api, worker = LocalApi(tmp_path, environment), LocalWorker(tmp_path, environment)
        try:
            assert api.ready()
            assert worker.ready()
            answer = requests.post(f"{api.url}/api/query", json={"query": "how many"}, timeout=60)
            assert (answer.json()["status"], answer.json()["path"]) == ("SUCCEEDED", "celery"), answer.text
            assert answer.headers["RateLimit-Remaining"] == "49"
            with settings_here(secured.url, REDIS_CA_FILE=environment["REDIS_CA_FILE"]):
                assert readiness.worker(secured.url) == ""
        finally:
            api.discard()
            worker.discard()


def test_every_library_checks_the_certificate(secured: Secured, authority: Path) -> None:
    heard, trusted = secured.front.heard, authority == secured.certificate.file
    told = run(secured, authority, "-c", EACH_LIBRARY).stdout
    outcome = "well" if trusted else "CERTIFICATE_VERIFY_FAILED"
    assert told.split() == [f"{name}:{outcome}" for name in ("ours", "broker", "backend", "redbeat", "flower")], told
    assert (secured.front.heard > heard) is trusted


@pytest.mark.parametrize("command", [["-m", "celery", "-A", "tasks", "worker", "-P", "solo"], ["-m", "api"]],
                         ids=["worker", "api"])
def test_a_server_nobody_vouches_for_is_told_nothing(secured: Secured, tmp_path: Path, command: list[str]) -> None:
    heard = secured.front.heard
    done = run(secured, certificate(tmp_path, "another").file, *command)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "Nobody vouches for the certificate" in said
    assert "REDIS_CA_FILE" in said
    assert PASSWORD not in said
    assert secured.front.heard == heard


@pytest.mark.parametrize(("settings", "said"), [
    ({"redis_ca_file": "/no/such/file"}, "there is no such file"),
    ({"redis_url": "rediss://valkey:6379/0?ssl_cert_reqs=none"}, "leave ssl_... out")])
def test_what_would_not_be_checked_is_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(_env_file=None, **settings)
