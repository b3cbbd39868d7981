"""A backup taken while questions are asked, put back into a new folder, serves what was answered before it."""

import os
import stat
import subprocess
import sys
import tarfile
import threading

import pytest
import requests

from core.settings import ROOT
from tests.processes import LocalSystem

QUESTION = "average departure delay by carrier"


def backup(environment, *arguments):
    return subprocess.run([sys.executable, "-m", "deploy.backup", *arguments], cwd=ROOT, text=True, capture_output=True,
                          env={**os.environ, **environment}, timeout=60, check=False)


def ask(system):
    return requests.post(f"{system.base_url}/api/query", json={"query": QUESTION}, timeout=60)


@pytest.mark.timeout(240)
def test_a_backup_under_load_brings_back_what_was_answered_before_it(system, tmp_path):
    before = [ask(system).json()["workflow_id"] for _ in range(3)]
    stop = threading.Event()

    def keep_asking():
        while not stop.is_set():
            ask(system)

    load = threading.Thread(target=keep_asking)
    load.start()
    try:
        taken = backup(system.environment)
    finally:
        stop.set()
        load.join()
    assert taken.returncode == 0, taken.stdout + taken.stderr
    (archive,) = sorted((system.folder / "backups").glob("*.tar.gz"))[-1:]
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (archive, archive.parent, system.folder)]
    assert modes == [0o600, 0o700, 0o700], "nobody else reads what was asked and answered"
    other = LocalSystem(tmp_path)
    try:
        other.ready()
        refused = backup(other.environment, "--restore", str(archive))
        assert refused.returncode == 1
        assert "already runs" in refused.stdout
        other.teardown()
        restored = backup(other.environment, "--restore", str(archive))
        assert restored.returncode == 0, restored.stdout
        other.restart()
        for workflow_id in before:
            answer = requests.get(f"{other.base_url}/api/workflow/{workflow_id}", timeout=10).json()
            assert answer["status"] == "SUCCEEDED"
            assert answer["result"]["row_count"] == 16
        assert ask(other).status_code == 200
    finally:
        other.teardown()


def test_what_is_no_backup_is_refused_and_the_data_stays(tmp_path):
    data = tmp_path / "valkey" / "appendonlydir"
    data.mkdir(parents=True)
    (data / "kept").write_text("kept")
    wrong, empty = tmp_path / "wrong.tar.gz", tmp_path / "empty.tar.gz"
    wrong.write_text("nonsense")
    tarfile.open(empty, "w:gz").close()
    missing = tmp_path / "none"
    for archive, reason in ((wrong, "cannot be read|not a backup"), (empty, "not a backup"), (missing, "no file")):
        done = backup({"BATON_DIR": str(tmp_path), "REDIS_URL": ""}, "--restore", str(archive))
        assert done.returncode == 1
        assert any(part in done.stdout for part in reason.split("|")), done.stdout
        assert (data / "kept").read_text() == "kept"


def test_a_server_of_one_s_own_is_not_ours_to_back_up(tmp_path):
    done = backup({"BATON_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"})
    assert done.returncode == 1
    assert "REDIS_URL" in done.stdout
