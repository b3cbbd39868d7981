"""`make test-compose`: the stack, and the tests of single processes, on a real container engine."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from core.settings import ROOT
from deploy.container_secrets import make_secrets
from tests.containers.commands import compose, compose_command
from tests.containers.engine import NO_ENGINE, engine
from tests.containers.stack import build
from tests.containers.stand_ins import NoBaseImage

ON_THE_ENGINE = (("-m", "containers", "tests/containers"), ("tests/integration/test_process_deaths.py",))
ENGINE = {"BATON_TEST_ENGINE": "docker"}
WITHOUT = ("tests/unit/deploy/test_compose_file.py",)


def main() -> int:
    """0 when all passed; without an engine the file alone is checked, and a line says so."""
    with tempfile.TemporaryDirectory(prefix="baton-containers-") as folder:
        _check_the_file(Path(folder))
        with engine() as reason:
            if missing := reason or _not_built(Path(folder)):
                print(NO_ENGINE.format(reason=missing), flush=True)
                return _pytest(*WITHOUT)
            return max([_pytest(*tests, **ENGINE) for tests in ON_THE_ENGINE])


def override_in_docs() -> str:
    """The example for one's own data and agents in docs/containers.md."""
    return (ROOT / "docs" / "containers.md").read_text().split("```yaml\n")[1].split("```")[0]


def _check_the_file(folder: Path) -> None:
    if compose_command():
        make_secrets(folder / "secrets")
        (folder / "override.yml").write_text(override_in_docs())
        files = ("-f", "docker-compose.yml", "-f", str(folder / "override.yml"))
        environment = {"BATON_SECRETS": str(folder / "secrets"), "BATON_VERSION": "test"}
        for given in ((), files):
            compose(*given, "config", "-q", environment=environment)
        print(f"docker-compose.yml: {' '.join(compose_command())} takes it", flush=True)


def _not_built(folder: Path) -> str:
    try:
        build(folder)
    except NoBaseImage as error:
        return str(error)
    return ""


def _pytest(*arguments: str, **environment: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments], cwd=ROOT, check=False,
                          env={**os.environ, **environment}).returncode


if __name__ == "__main__":
    sys.exit(main())
