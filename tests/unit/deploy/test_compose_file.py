"""docker-compose.yml as a text: what must hold for every service, whoever adds the next one."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.registry import build_registry
from core.settings import ROOT, Settings
from deploy.container_secrets import FOLDER, KEYS
from pipeline.direct.threads import threads_for
from tests.containers import stand_ins
from tests.containers.__main__ import override_in_docs

FILE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_hardened_watched_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", service["user"])
    assert service["restart"] == "unless-stopped"
    assert {"mem_limit", "cpus", "pids_limit", "healthcheck", "stop_grace_period"} <= service.keys()
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & service.keys()
    assert service.get("env_file") == (None if name == "valkey" else ["${BATON_SECRETS:-./secrets}/settings.env"])


def test_the_threads_of_an_api_fit_into_its_container() -> None:
    paths = 2 * threads_for(Settings.model_fields["direct_concurrency"].default)  # recorded, and while Valkey is away
    asyncio_at_most, routes_at_most, others = 32, 40, 12
    assert paths + asyncio_at_most + routes_at_most + others <= SERVICES["api"]["pids_limit"]


def test_what_is_published_is_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"api", "flower"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert {name for name, service in SERVICES.items() if "front" in service["networks"]} == published.keys()
    assert [name for name, network in FILE["networks"].items() if not network.get("internal")] == ["front"]


def test_only_valkey_keeps_something() -> None:
    mounted = {name: service["volumes"] for name, service in SERVICES.items() if "volumes" in service}
    assert mounted.pop("valkey") == ["valkey-data:/data"]
    assert all(one["read_only"] is True for volumes in mounted.values() for one in volumes)


def test_the_api_sees_the_folder_of_the_keys_and_so_a_file_that_replaces_theirs() -> None:
    api = SERVICES["api"]
    (keys,) = api["volumes"]
    assert keys["source"] == f"${{BATON_SECRETS:-./{FOLDER.name}}}/{Path(KEYS).parent}"
    assert api["environment"]["API_KEYS_FILE"] == f"{keys['target']}/{Path(KEYS).name}"


def test_no_secret_goes_through_an_environment() -> None:
    secret = {name.upper() for name in ("redis_url", "agent_key", "api_key", "flower_basic_auth")}
    for service in SERVICES.values():
        assert not secret & service.get("environment", {}).keys()
    assert {Path(one["file"]).name for one in FILE["secrets"].values()} == FILE["secrets"].keys()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_the_environment_sets_is_a_setting(name: str) -> None:
    assert {one.lower() for one in SERVICES[name].get("environment", {})} <= Settings.model_fields.keys()


OVERRIDE: dict[str, Any] = yaml.safe_load(override_in_docs())["services"]
OVERRIDDEN = {name: {**service, **OVERRIDE.get(name, {})} for name, service in SERVICES.items()}


@pytest.mark.parametrize(("services", "further"), [
    pytest.param(SERVICES, "{}", id="as it is"),
    pytest.param(OVERRIDDEN, OVERRIDE["api"]["environment"]["AGENTS"], id="with the override of docs/containers.md")])
def test_every_queue_has_a_worker_that_is_given_the_time_of_its_agent_s_longest_call_to_stop(
        services: dict[str, dict[str, Any]], further: str) -> None:
    settings = Settings(_env_file=None, agents=json.loads(further))  # type: ignore[call-arg]
    queues = {queue: service for service in services.values() if "worker" in service["command"]
              for queue in service["command"][service["command"].index("-Q") + 1].split(",")}
    agents = build_registry(settings)
    assert queues.keys() == {"baton", "agents.compose", *(agent.queue for agent in agents.values())}
    for agent in agents.values():
        assert int(queues[agent.queue]["stop_grace_period"].removesuffix("s")) > agent.timeout_s


def test_how_many_there_are_of_each_stands_in_the_file_of_settings() -> None:
    counts = {name: service["scale"] for name, service in SERVICES.items() if "scale" in service}
    workers = {name for name, service in SERVICES.items() if "worker" in service["command"]}
    assert counts == {"api": "${APIS:-1}", **{name: f"${{{name.upper().replace('-', '_')}:-1}}" for name in workers}}
    page = (ROOT / "docs" / "containers.md").read_text()
    assert all(f"`{count[2:-4]}`" in page for count in counts.values())


def test_the_worker_s_name_is_the_one_its_health_check_looks_for() -> None:
    for service in SERVICES.values():
        if "worker" in service["command"]:
            name = service["command"][service["command"].index("-n") + 1]
            assert service["healthcheck"]["test"][-2:] == ["worker", name.removesuffix("@%h")]


def test_the_version_is_the_project_s_and_the_image_the_one_that_was_made() -> None:
    images = {service["image"] for name, service in SERVICES.items() if name != "valkey"}
    assert images == {"baton:${BATON_VERSION:?Make the image first, with: make image}"}
    # What compose itself builds would overwrite the image that runs, under its name.
    assert not [name for name, service in SERVICES.items() if "build" in service]
    assert f"ARG VERSION={VERSION}\n" in (ROOT / "Dockerfile").read_text()


def test_the_stand_ins_stand_in_for_what_is_used() -> None:
    assert f"ARG PYTHON_IMAGE={stand_ins.PYTHON}\n" in (ROOT / "Dockerfile").read_text()
    assert SERVICES["valkey"]["image"] == f"${{VALKEY_IMAGE:-{stand_ins.VALKEY}}}"


def test_every_test_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "containers.md").read_text()))
    there = set(re.findall(r"^def (test_\w+)", (ROOT / "tests/containers/test_stack.py").read_text(), re.MULTILINE))
    assert named
    assert named <= there


def test_the_page_s_override_names_services_and_settings_there_are() -> None:
    override: dict[str, Any] = yaml.safe_load(override_in_docs())
    assert override["services"].keys() <= SERVICES.keys()
    for service in override["services"].values():
        assert {name.lower() for name in service["environment"]} <= Settings.model_fields.keys()


def test_the_page_says_what_to_do_about_every_alert() -> None:
    (group,) = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"]
    at_night = (ROOT / "docs" / "containers.md").read_text().split("## At night")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`Baton[^|]+) \|", at_night, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(rule["alert"] for rule in group["rules"])
    commands = re.findall(r"docker compose (?:up -d|restart|logs --tail \d+)(?: --no-deps)?((?: [a-z-]+)+)`", at_night)
    assert {name for services in commands for name in services.split()} <= SERVICES.keys()


def test_secrets_are_neither_committed_nor_built_in() -> None:
    assert f"{FOLDER.name}/" in (ROOT / ".gitignore").read_text().splitlines()
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert ignored[0] == "*"
    assert f"!{FOLDER.name}" not in ignored


def test_the_image_has_every_package_that_runs() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests", "bench", "prove", "faults"}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert packages <= allowed
