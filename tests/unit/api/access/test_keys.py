"""Keys: the file keeps hashes, a change counts within a second, and a broken file lets nobody in who was not."""

import json
import os
import stat
import subprocess
import sys

import pytest

from api.access.caller import LOCAL, Caller
from api.access.keys import LOOK_AGAIN_S, BadKeysFile, KeyRing, add_key, new_key, read_keys
from api.access.roles import Role
from core.settings import ROOT


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys"


def made(file, key_id="ann", role=Role.ASK):
    key, presented = new_key(key_id, role)
    add_key(file, key)
    return presented


def test_who_presents_a_key_is_found_and_nobody_else(file):
    presented, other = made(file), made(file, "bob", Role.READ)
    ring = KeyRing(file)
    assert ring.find(presented) == Caller("ann", Role.ASK)
    secret = presented.partition(".")[2]
    for wrong in ("", ".", "ann", "ann.", secret, presented + "x", presented[:-1], "bob." + secret, f"nobody.{secret}",
                  "ann.\u00e4", other.upper()):
        assert ring.find(wrong) is None, wrong


def test_the_file_is_the_owners_alone_and_holds_no_secret(file):
    presented = made(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert presented.partition(".")[2] not in file.read_text()


def test_an_id_is_given_once(file):
    made(file)
    with pytest.raises(BadKeysFile, match="There is a key ann"):
        made(file)


def test_a_key_added_or_taken_out_counts_within_a_second(file):
    clock = Clock()
    ann = made(file)
    ring = KeyRing(file, clock)
    bob = made(file, "bob", Role.ADMIN)
    assert ring.find(bob) is None
    clock.now += LOOK_AGAIN_S
    assert ring.find(bob) == Caller("bob", Role.ADMIN)
    file.write_text(file.read_text().splitlines()[1] + "\n")
    clock.now += LOOK_AGAIN_S
    assert (ring.find(ann), ring.caller("ann")) == (None, None)
    assert ring.find(bob) is not None


def test_another_file_put_in_its_place_counts_whatever_its_time_and_size(file):
    clock = Clock()
    ann = made(file)
    ring = KeyRing(file, clock)
    other = file.with_suffix(".new")
    bob = made(other, "bob")
    before = file.stat()
    assert other.stat().st_size == before.st_size
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    clock.now += LOOK_AGAIN_S
    assert (ring.find(ann), ring.find(bob)) == (None, Caller("bob", Role.ASK))


@pytest.mark.parametrize("broken", ["not JSON\n", None])
def test_a_file_that_breaks_changes_nothing_and_is_refused_at_the_start(file, broken):
    clock = Clock()
    ann = made(file)
    ring = KeyRing(file, clock)
    file.unlink() if broken is None else file.write_text(broken)
    clock.now += LOOK_AGAIN_S
    assert ring.find(ann) == Caller("ann", Role.ASK)
    with pytest.raises(BadKeysFile, match="API_KEYS_FILE"):
        KeyRing(file)


@pytest.mark.parametrize("line", [
    {"id": "ann", "role": "owner", "sha256": "0" * 64}, {"id": "Ann!", "role": "ask", "sha256": "0" * 64},
    {"id": "ann", "role": "ask", "sha256": "0"}, {"id": "ann", "role": "ask"}, []])
def test_a_line_that_is_no_key_is_named_by_its_number_and_not_quoted(file, line):
    file.write_text("\n" + json.dumps(line))
    with pytest.raises(BadKeysFile, match=r"line 2 of .* is not a key") as refused:
        read_keys(file)
    assert "sha256" not in str(refused.value)


def test_two_keys_of_one_id_are_refused(file):
    made(file)
    file.write_text(file.read_text() * 2)
    with pytest.raises(BadKeysFile, match="two keys ann"):
        read_keys(file)


def key_command(file, *arguments):
    return subprocess.run([sys.executable, "-m", "deploy.key", *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=30, check=False, env={**os.environ, "API_KEYS_FILE": str(file)})


def test_the_command_shows_the_key_once_and_says_what_is_missing(file):
    shown = key_command(file, "ann", "admin")
    assert KeyRing(file).find(shown.stdout.strip()) == Caller("ann", Role.ADMIN)
    again = key_command(file, "ann", "admin")
    assert (again.returncode, again.stdout) == (1, "")
    assert "There is a key ann" in again.stderr
    nowhere = key_command("", "ann", "ask")
    assert (nowhere.returncode, "API_KEYS_FILE=" in nowhere.stderr) == (1, True)


def test_who_acts_is_named_with_the_key_they_act_by():
    assert LOCAL.acting_as("ann") == "ann"
    assert Caller("desk", Role.ASK).acting_as("ann") == "ann (key desk)"
