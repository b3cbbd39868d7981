"""The breakers' part of the API, on the whole running system."""

import requests

from tests.processes import LocalSystem, wait_for

AGENTS = {"nlp", "data", "viz"}


def url(system: LocalSystem, path: str) -> str:
    return f"{system.base_url}/api/circuit-breakers{path}"


def say(system: LocalSystem, agent: str, mode: str, **more: object) -> requests.Response:
    return requests.post(url(system, f"/{agent}/mode"), timeout=10,
                         json={"mode": mode, "actor": "ann", "reason": "maintenance", **more})


def ask(system: LocalSystem, question: str) -> requests.Response:
    return requests.post(f"{system.base_url}/api/query", json={"query": question}, timeout=60)


def test_every_agent_s_breaker_is_shown(system: LocalSystem) -> None:
    assert ask(system, "average departure delay by carrier").status_code == 200
    breakers = requests.get(url(system, "/status"), timeout=10).json()["breakers"]
    assert breakers.keys() >= AGENTS
    for name in AGENTS:
        shown = breakers[name]
        assert (shown["state"], shown["mode"]["mode"], shown["score"]) == ("CLOSED", "auto", 0)
        assert shown["settings"]["threshold"] == (3 if name == "data" else 5)
    wait_for(lambda: requests.get(url(system, "/status"), timeout=10).json()["breakers"]["nlp"]["totals"]["calls"] > 0,
             "the worker to tell its counts", 10)


def test_a_breaker_forced_open_lets_others_answer_until_it_is_lifted(system: LocalSystem) -> None:
    question = "average arrival delay by carrier"
    assert ask(system, question).json()["status"] == "SUCCEEDED"
    try:
        forced = say(system, "viz", "forced_open", lasts_s=60)
        assert forced.status_code == 200
        mode = forced.json()["mode"]
        assert (mode["mode"], mode["actor"], mode["reason"]) == ("forced_open", "ann", "maintenance")
        assert mode["until"]
        wait_for(lambda: ask(system, question).json()["status"] == "DEGRADED", "the worker to know", 10)
        answer = ask(system, question).json()
        assert [(one["step"], one["source"]) for one in answer["degradations"]] == [("viz", "own_chart")]
        assert answer["visualization"]["spec"]
    finally:
        assert say(system, "viz", "auto").status_code == 200
    wait_for(lambda: ask(system, question).json()["status"] == "SUCCEEDED", "the worker to know", 10)
    events = requests.get(url(system, "/events"), timeout=10).json()["events"]
    told = [(event["mode"], event["actor"]) for event in events if event["breaker"] == "viz" and event["why"] == "mode"]
    assert told[-2:] == [("forced_open", "ann"), ("auto", "ann")]
    later = requests.get(url(system, "/events"), params={"after": events[-1]["id"]}, timeout=10).json()["events"]
    assert later == []


def test_a_dead_nlp_agent_is_stood_in_for_by_the_rules(system: LocalSystem) -> None:
    try:
        assert say(system, "nlp", "forced_open", lasts_s=60).status_code == 200
        wait_for(lambda: ask(system, "flights per month").json().get("status") == "DEGRADED", "the worker to know", 10)
        answer = ask(system, "top 5 destinations by average arrival delay").json()  # asked by no other test
        assert [(one["step"], one["source"]) for one in answer["degradations"]] == [("nlp", "rules")]
        assert answer["result"]["row_count"] == 5
    finally:
        assert say(system, "nlp", "auto").status_code == 200
    wait_for(lambda: ask(system, "flights per month").json()["status"] == "SUCCEEDED", "the worker to know", 10)


def test_numbers_are_changed_while_all_runs_and_wrong_ones_are_refused(system: LocalSystem) -> None:
    def put(settings: object) -> requests.Response:
        return requests.put(url(system, "/data/settings"), timeout=10,
                            json={"settings": settings, "actor": "ann", "reason": "trial"})

    changed = put({"threshold": 9})
    assert (changed.status_code, changed.json()["settings"]["threshold"]) == (200, 9)
    assert changed.json()["settings_changed"] is True
    for wrong, named in (({"threshold": 0}, "settings.threshold"), ({"treshold": 4}, "there is no treshold")):
        refused = put(wrong)
        assert refused.status_code == 422
        assert named in refused.json()["detail"]
    back = put(None)
    assert (back.json()["settings"]["threshold"], back.json()["settings_changed"]) == (3, False)


def test_a_breaker_that_is_not_there_and_a_word_that_is_none(system: LocalSystem) -> None:
    unknown = say(system, "nobody", "auto")
    assert (unknown.status_code, unknown.json()["error_type"]) == (404, "not_found")
    assert any("nlp" in hint for hint in unknown.json()["suggestions"])
    assert say(system, "nlp", "ajar").status_code == 422
    assert requests.get(url(system, "/events"), params={"after": "yesterday"}, timeout=10).status_code == 422


def test_a_question_nobody_waits_for_is_taken_at_once(system: LocalSystem) -> None:
    reply = requests.post(f"{system.base_url}/api/workflow", json={"query": "flights per month"}, timeout=10)
    assert reply.status_code == 202
    place = f"{system.base_url}{reply.headers['Location']}"
    wait_for(lambda: requests.get(f"{place}/status", timeout=10).json()["final"], "the answer", 30)
    assert requests.get(place, timeout=10).json()["status"] == "SUCCEEDED"
