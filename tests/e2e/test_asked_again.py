"""`Idempotency-Key` and `ETag` on the running system: an answer is given again, and told to be what one has."""

import secrets

import requests


def test_a_question_sent_again_is_answered_again_and_not_worked_on(system):
    asked, key = {"query": "average departure delay by carrier"}, {"Idempotency-Key": secrets.token_hex(16)}
    url = f"{system.base_url}/api/query"
    first, again = (requests.post(url, json=asked, headers=key, timeout=60) for _ in range(2))
    assert (first.status_code, first.json()["status"]) == (200, "SUCCEEDED"), first.text
    assert (again.status_code, again.json()) == (200, first.json())
    assert [reply.headers.get("Idempotency-Replayed") for reply in (first, again)] == [None, "true"]
    answer = requests.get(f"{system.base_url}{again.headers['Location']}", timeout=10)
    assert answer.json() == first.json()
    known = {"If-None-Match": answer.headers["ETag"]}
    assert requests.get(answer.url, headers=known, timeout=10).status_code == 304
