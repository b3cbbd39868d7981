"""Both paths, and the one without a record, give the same answer: field by field, from the bundled agents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import yaml

from core.settings import ROOT
from state.model import Path
from tests.direct_api import Always, LocalApi
from tests.processes import LocalAgent, LocalWorker, free_ports
from tests.served_api import served_api

_SIMPLE = yaml.safe_load((ROOT / "tests" / "questions.yaml").read_text(encoding="utf-8"))
_COMPLEX = yaml.safe_load((ROOT / "tests" / "complex_questions.yaml").read_text(encoding="utf-8"))
_FLIGHTS = [one for one in _SIMPLE["answerable"] if one["schema"] == "flights"]
ASKED = [*(one["question"] for one in _FLIGHTS[::6]), _SIMPLE["unanswerable"][0]["question"],
         _COMPLEX["complex"][0]["question"]]
# What differs from one asking to the next, whatever the path; and where a recorded answer leads.
PASSING = {"workflow_id", "query_id", "path", "recorded", "created_at", "finished_at", "duration_ms", "wait_ms",
           "processing_time_ms", "png_url", "svg_url", "links", "data_age_s", "generated_at"}


@dataclass
class Apis:
    """One with the switch in hand, and one that has no Valkey."""

    switched: str
    switch: Always
    alone: str

    def ask(self, query: str, path: Path | None) -> tuple[int, Any]:
        """Status and body; no `path`: without Valkey."""
        url = self.alone if path is None else self.switched
        self.switch.path = path or Path.CELERY
        reply = requests.post(f"{url}/api/query", json={"query": query}, timeout=60)
        body = reply.json()
        if reply.ok:
            assert (body["path"], body["recorded"]) == (path or Path.DIRECT, path is not None)
        return reply.status_code, body


@pytest.fixture(scope="module")
def apis(valkey, agents, tmp_path_factory) -> Iterator[Apis]:
    folder, switch = tmp_path_factory.mktemp("paths"), Always(Path.CELERY)
    nlp = LocalAgent("nlp", folder, {"DATA_AGENT_URL": agents["data"].url})  # it knows the schema from there
    urls = {f"{name.upper()}_AGENT_URL": one.url for name, one in {**agents, "nlp": nlp}.items()}
    worker = LocalWorker(folder, {"REDIS_URL": valkey.url, **urls})
    alone = LocalApi(folder, {"REDIS_URL": f"redis://127.0.0.1:{free_ports(1)[0]}/0", **urls})
    try:
        nlp.ready()
        worker.ready()
        alone.ready()
        with served_api(valkey.url, switch, **urls) as url:
            yield Apis(url, switch, alone.url)
    finally:
        for process in (alone, worker, nlp):
            process.discard()


def differing(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two documents differ, but for what passes."""
    if isinstance(one, dict) and isinstance(other, dict):
        inner = [differing(one.get(key, "none"), other.get(key, "none"), f"{place}.{key}")
                 for key in sorted({*one, *other} - PASSING)]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        inner = [differing(*pair, f"{place}.{at}") for at, pair in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [f"{place}: {one!r} and {other!r}"[:300]]
    return [found for each in inner for found in each]


@pytest.mark.parametrize("query", ASKED)
def test_the_same_question_has_the_same_answer_whichever_way_it_goes(apis, query):
    status, by_celery = apis.ask(query, Path.CELERY)
    for path in (Path.DIRECT, None):
        other_status, other = apis.ask(query, path)
        assert other_status == status, path
        assert differing(by_celery, other) == [], path


def test_they_are_answers_of_all_kinds(apis):
    told = [apis.ask(query, Path.DIRECT) for query in ASKED]
    assert {status for status, _ in told} == {200, 422}
    assert {body.get("route") for _, body in told} >= {"simple", "complex"}
