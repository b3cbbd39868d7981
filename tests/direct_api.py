"""An API in a process of its own, for tests that kill it: `python -m tests.direct_api PATH` sends all one way."""

import sys
from pathlib import Path as Folder

import uvicorn

from api.app import create_app
from core.settings import get_settings
from state.model import Path
from tests.processes import LocalProcess, answers, free_ports


class Always:
    """The switch stands at one path, or at the one it is set to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def path_for(self, session_id: str, workflow_id: str) -> Path:
        return self.path


class LocalApi(LocalProcess):
    """An API whose questions all take one path."""

    def __init__(self, folder: Folder, environment: dict[str, str], path: Path = Path.CELERY) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "tests.direct_api", path], folder,
                         {**environment, "API_PORT": str(port)})

    def up(self) -> bool:
        return answers(f"{self.url}/health/live")


if __name__ == "__main__":
    uvicorn.run(create_app(Always(Path(sys.argv[1]))), port=get_settings().api_port, log_config=None,
                timeout_graceful_shutdown=1)
