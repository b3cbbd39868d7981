"""docker-compose.yml on a real engine: the tests of `make test-compose`, and what they measure on the way."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from core.settings import ROOT
from prove.proof import Figure, Kind, Part, Result, Run
from tests.containers.commands import inspected
from tests.containers.engine import engine
from tests.containers.stack import IMAGE, build
from tests.containers.stand_ins import PYTHON, is_stand_in

IMAGE_MB, HEALTHY_S, RECOVERY_S = 500.0, 120.0, 30.0
MB = 1_000_000


def stack(run: Run) -> Result:
    """Built, started, asked, killed, scaled, stopped and started again."""
    with engine() as reason:
        if reason:
            raise RuntimeError(f"there is no container engine. {reason}")
        build(run.folder)
        report = _tested(run.folder / "report.xml")
        size, base = (inspected(image)[0]["Size"] / MB for image in (IMAGE, PYTHON))
        stood_in = is_stand_in(PYTHON)
    measured = {found.attrib["name"]: float(found.attrib["value"]) for found in report.iter("property")}
    missed = [case.attrib["name"] for case in report.iter("testcase") if len(case)]
    return Result([
        Figure("tests that did not pass", len(missed), "", 0),
        Figure("size of the image", round(size, 1), "MB", IMAGE_MB, kind=Kind.TARGET),
        Figure("from nothing to all containers healthy", round(measured["healthy_s"], 1), "s", HEALTHY_S,
               kind=Kind.TARGET),
        Figure("from the kill of the worker that called to the answer", round(measured["recovery_s"], 1), "s",
               RECOVERY_S),
    ], {"tests": int(report.attrib["tests"]), "missed": missed,
        "base_image_mb": round(base, 1), "base_image_is_a_stand_in": stood_in})


def _tested(file: Path) -> ElementTree.Element:
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "containers", "tests/containers",
                           f"--junitxml={file}"], cwd=ROOT, check=False, capture_output=True, text=True)
    suite = ElementTree.parse(file).getroot().find("testsuite") if file.exists() else None  # noqa: S314 - our own file
    if suite is None or {"healthy_s", "recovery_s"} - {one.attrib["name"] for one in suite.iter("property")}:
        raise RuntimeError(f"the tests did not get as far as to measure:\n{done.stdout[-3000:]}")
    return suite


PARTS = [Part("compose", "stack", 1_800, stack)]
