"""docker-compose.yml on a real engine, as `make test-compose` runs it: it answers, it survives, and nothing is open."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from api.access.keys import add_key, new_key
from api.access.roles import Role
from core.settings import ROOT
from deploy.container_secrets import KEYS
from tests.containers.commands import QUICK_S, DockerFailed, docker, inspected
from tests.containers.stack import IMAGE, Stack, neighbouring_ports
from tests.processes import wait_for

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

Record = Callable[[str, object], None]  # into the report that `make prove TOPIC=compose` reads
QUESTION, CARRIERS = "average departure delay by carrier", 16
OUR_USER, VALKEY_USER = "10001", "999"
SECRETS = {
    "valkey": {"valkey.conf"}, "api": {"redis_url", "agent_key", "flower_basic_auth"},
    "flower": {"redis_url", "flower_basic_auth"}, "beat": {"redis_url"},
    **{f"worker-{queue}": {"redis_url", "agent_key"} for queue in ("nlp", "data", "viz", "baton")},
    **{f"{agent}-agent": {"agent_key"} for agent in ("nlp", "data", "viz")},
}
# What the kernel makes for every container, beside the tmpfs of ours: nothing in it outlives the container.
PASSING = {"/tmp", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys/fs/cgroup", "/proc", "/proc/keys",
           "/proc/timer_list", "/proc/kcore", "/proc/latency_stats", "/proc/sched_debug", "/dev/console"}
RECOVERED_WITHIN_S = 30.0
KILLED = 137
IMAGE_MAX_BYTES = 560_000_000  # it has about 480 MB; a compiler or a cache of wheels would be more than the rest


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Record) -> Iterator[Stack]:
    """Everything up and healthy; the tests below run in their order on the one of them."""
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        record_testsuite_property("healthy_s", running.healthy_after_s)
        yield running


@pytest.fixture(scope="module", params=sorted(SECRETS))
def container(request: pytest.FixtureRequest, stack: Stack) -> str:
    """Each service's container in turn."""
    return stack.one(request.param)


def test_a_question_is_answered_through_celery_with_rows(stack: Stack) -> None:
    answer = stack.ask(QUESTION)
    assert (answer["status"], answer["path"], answer["degraded"]) == ("SUCCEEDED", "celery", False)
    assert answer["result"]["row_count"] == len(answer["result"]["data"]) == CARRIERS
    assert answer["visualization"]["chart_type"] == "bar"
    assert stack.get(f"/api/workflow/{answer['workflow_id']}/chart.png").content.startswith(b"\x89PNG")


def test_a_question_of_several_parts_is_joined_by_the_fourth_worker(stack: Stack) -> None:
    answer = stack.ask("average delay by carrier and also the number of flights by month")
    assert (answer["status"], answer["path"], answer["route"]) == ("SUCCEEDED", "celery", "complex")


def test_the_check_up_finds_nothing_that_fails(stack: Stack) -> None:
    assert "Something fails" not in stack.inside(stack.one("api"), "python", "-m", "deploy.doctor")


def test_without_a_key_nobody_is_answered(stack: Stack) -> None:
    asked = requests.post(f"{stack.base_url}/api/query", json={"query": QUESTION}, timeout=30)
    assert asked.status_code == 401
    assert requests.get(f"{stack.flower_url}/api/workers", timeout=30).status_code == 401
    user, password = (stack.secrets / "flower_basic_auth").read_text().split(":")
    assert requests.get(f"{stack.flower_url}/api/workers", auth=(user, password), timeout=30).status_code == 200
    assert "NOAUTH" in stack.inside(stack.one("valkey"), "valkey-cli", "ping")
    for agent, port in (("nlp", 8001), ("data", 8002), ("viz", 8003)):
        asking = f"import requests; print(requests.get('http://{agent}-agent:{port}/schema').status_code)"
        assert stack.inside(stack.one("worker-nlp"), "python", "-c", asking) == "401"


def test_nothing_is_published_but_the_api_and_flower_and_those_on_loopback(stack: Stack) -> None:
    bound = {(found["Config"]["Labels"]["com.docker.compose.service"], one["HostIp"], one["HostPort"])
             for found in stack.containers().values()
             for bindings in found["NetworkSettings"]["Ports"].values() for one in bindings or []}
    assert bound == stack.published


def test_no_process_runs_as_root(stack: Stack, container: str) -> None:
    uids = docker("top", container, "-eo", "uid,pid", limit_s=QUICK_S).splitlines()[1:]
    assert uids
    wanted = VALKEY_USER if container == stack.one("valkey") else OUR_USER
    assert {line.split()[0] for line in uids} == {wanted}


def test_no_process_has_a_capability_or_can_get_one(stack: Stack, container: str) -> None:
    status = dict(line.split(":\t", 1) for line in stack.inside(container, "cat", "/proc/1/status").splitlines()
                  if ":\t" in line)
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_nothing_can_be_written_but_the_data_and_what_passes(stack: Stack, container: str) -> None:
    for place in ("/", "/app", "/opt", "/etc", "/usr/local/bin"):
        with pytest.raises(DockerFailed, match=r"Read-only file system|nonexistent"):
            stack.inside(container, "sh", "-c", f"echo x > {place}/written")
    found = stack.inside(container, "sh", "-c", "find / -xdev -writable ! -type l 2>/dev/null; true").split()
    mounts = [line.split()[1:4] for line in stack.inside(container, "cat", "/proc/mounts").splitlines()]
    writable = {place for place, _, options in mounts if options.split(",")[0] == "rw"}
    assert set(found) <= writable
    assert writable - PASSING == ({"/data"} if container == stack.one("valkey") else set())


def test_each_container_has_the_secrets_it_needs_and_shows_none(stack: Stack) -> None:
    values = [(stack.secrets / name).read_text().strip() for name in ("agent_key", "flower_basic_auth", "redis_url")]
    values += [values[-1].split(":")[2].split("@")[0], values[-2].split(":")[1], stack.key, stack.key.split(".")[1]]
    for name, found in stack.containers().items():
        service = found["Config"]["Labels"]["com.docker.compose.service"]
        mounted = {mount["Destination"].removeprefix("/run/secrets/") for mount in found["Mounts"]
                   if mount["Destination"].startswith("/run/secrets")}
        assert mounted == SECRETS[service]
        shown = json.dumps(found) + docker("logs", name, limit_s=QUICK_S)
        assert not [value for value in values if value in shown], f"{name} shows a secret"


def test_a_key_whose_file_is_replaced_is_out_within_seconds(stack: Stack) -> None:
    file = stack.secrets / KEYS
    before = file.read_text()
    key, presented = new_key("leaver", Role.READ)
    add_key(file, key)

    def answered() -> int:
        headers = {"Authorization": f"Bearer {presented}"}
        return requests.get(f"{stack.base_url}/api/workflow", headers=headers, timeout=30).status_code

    wait_for(lambda: answered() == 200, "the new key to be known", 10)
    other = file.with_suffix(".new")
    other.write_text(before)
    other.chmod(file.stat().st_mode)
    other.replace(file)
    wait_for(lambda: answered() == 401, "the key to be out", 10)
    assert stack.get("/api/workflow").status_code == 200


def test_the_image_is_slim_and_carries_its_version(stack: Stack) -> None:
    (image,) = inspected(IMAGE)
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Labels"]["org.opencontainers.image.version"] == "test"
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert image["Size"] < IMAGE_MAX_BYTES
    # As root, to whom alone /root is open.
    inside = docker("run", "--rm", "--network=none", "--user=0", IMAGE, "sh", "-c",
                    "ls /app; command -v gcc cc make; ls -A /root/.cache; ls /opt/baton/bin/pip; true", limit_s=QUICK_S)
    assert set(inside.split()) == {"__pycache__", *(line[1:] for line in ignored if line.startswith("!"))}


def test_only_what_is_published_has_a_way_out(stack: Stack) -> None:
    outward = {found["Config"]["Labels"]["com.docker.compose.service"] for found in stack.containers().values()
               if not all(network["Internal"] for network in inspected(*found["NetworkSettings"]["Networks"]))}
    assert outward == {service for service, _, _ in stack.published}


def test_a_worker_killed_in_the_middle_of_a_call_comes_back_and_the_answer_arrives(
        stack: Stack, record_testsuite_property: Record) -> None:
    worker, agent = stack.one("worker-data"), stack.one("data-agent")
    docker("pause", agent, limit_s=QUICK_S)
    try:
        workflow_id = stack.ask("number of flights per origin", wait=False)["workflow_id"]
        wait_for(lambda: stack.step(workflow_id, "data") == "RUNNING", "the data agent to be called", 30)
        began = time.monotonic()
        stack.kill_from_outside(worker)
        wait_for(lambda: inspected(worker)[0]["RestartCount"] == 1, "the engine to restart it", 30)
    finally:
        docker("unpause", agent, limit_s=QUICK_S)
    answer = stack.ended(workflow_id)
    recovery_s = time.monotonic() - began
    record_testsuite_property("recovery_s", recovery_s)
    assert recovery_s < RECOVERED_WITHIN_S
    assert (answer["status"], answer["result"]["row_count"]) == ("SUCCEEDED", 3)


def test_as_many_as_wanted_take_part_and_the_next_up_keeps_them(stack: Stack) -> None:
    first, last = neighbouring_ports()
    with stack.given(WORKER_DATA="2", APIS="2", API_PUBLISHED=f"{first}-{last}"):
        for _ in ("this", "the next"):
            stack.up()
            assert [len(stack.containers(service)) for service in ("worker-data", "api")] == [2, 2]
        alive = [requests.get(f"http://127.0.0.1:{port}/health/live", timeout=30).status_code for port in (first, last)]
        assert alive == [200, 200]
        queues = stack.inside(stack.one("worker-baton"), "celery", "-A", "tasks", "inspect", "-t", "5", "active_queues",
                              "--json")
        consuming = {name for name, found in json.loads(queues[queues.index("{"):]).items()
                     if "agents.data" in [queue["name"] for queue in found]}
        assert len(consuming) == 2
    stack.up()
    assert [len(stack.containers(service)) for service in ("worker-data", "api")] == [1, 1]


def test_a_setting_for_all_is_one_line_in_one_file(stack: Stack) -> None:
    file = stack.secrets / "settings.env"
    before = file.read_text()
    file.write_text(before + "WORKFLOW_TTL_S=7777\n")
    try:
        stack.up()
        for service in SECRETS.keys() - {"valkey"}:
            assert stack.inside(stack.one(service), "printenv", "WORKFLOW_TTL_S") == "7777"
    finally:
        file.write_text(before)


def test_nobody_has_to_be_killed_to_stop(stack: Stack) -> None:
    stack.compose("stop")
    codes = {name: found["State"]["ExitCode"] for name, found in stack.containers().items()}
    assert KILLED not in codes.values(), codes


def test_what_was_answered_is_there_after_down_and_up(stack: Stack) -> None:
    stack.up()
    before = stack.ask(QUESTION)
    stack.down()
    assert stack.containers() == {}
    stack.up()
    assert stack.get(f"/api/workflow/{before['workflow_id']}").json()["result"] == before["result"]


def test_what_was_answered_is_in_the_backup(stack: Stack, tmp_path: Path) -> None:
    answered, backup = stack.ask(QUESTION), tmp_path / "valkey-data.tar.gz"
    path = f"/api/workflow/{answered['workflow_id']}"
    run = ("run", "--rm", "--no-deps", "-T", "valkey")
    stack.compose("stop", "valkey")
    with backup.open("wb") as file:
        stack.piped(*run, "tar", "-cz", "-C", "/data", ".", stdout=file)
    stack.compose(*run, "sh", "-c", "rm -rf /data/*")
    stack.up()
    wait_for(lambda: stack.get(path).status_code == 404, "the API to find nothing", 30)
    stack.compose("stop", "valkey")
    stack.compose(*run, "sh", "-c", "rm -rf /data/*")
    with backup.open("rb") as file:
        stack.piped(*run, "tar", "-xz", "-C", "/data", stdin=file)
    stack.up()
    wait_for(lambda: stack.get(path).status_code == 200, "the API to find it again", 30)
    assert stack.get(path).json()["result"] == answered["result"]
