"""`python -m deploy.ask "question"`: ask the running system and see it work; exit code 1 when there is no answer."""

import sys
from pathlib import Path
from urllib.parse import urljoin

from rich.console import Console
from rich.markup import escape

from core.settings import get_settings
from deploy.answer_view import show, show_failure
from deploy.client import Answer, ApiClient, AskError, Event, RefusedError
from deploy.local.children import host_of_api, local_url

ANSWERED = {"SUCCEEDED", "DEGRADED"}


def ask(base_url: str, question: str, charts: Path, console: Console, *, key: str = "", host: str = "") -> bool:
    """Ask, show each step while it happens and the answer at the end; whether there was an answer."""
    console.print(f"[bold]{escape(question)}")
    try:
        with ApiClient(base_url, key, host) as client:
            return _ask(client, question, charts, console)
    except RefusedError as refusal:
        show_failure(refusal.problem, console)
    except AskError as error:
        console.print(f"[red]{escape(str(error))}", soft_wrap=True)
    return False


def _ask(client: ApiClient, question: str, charts: Path, console: Console) -> bool:
    answer = _follow(client, question, console)
    if answer.get("status") not in ANSWERED:
        show_failure(answer.get("error") or {"title": f"The workflow ended as {answer.get('status')}."}, console)
        return False
    show(answer, *_save_chart(client, answer, charts), console)
    return True


def _follow(client: ApiClient, question: str, console: Console) -> Answer:
    workflow, answer = client.submit(question)
    if answer is not None:
        return answer
    for event in client.events(workflow):
        if event.name == "step":
            console.print(_step_line(event))
    return client.answer(workflow)


def _step_line(event: Event) -> str:
    data = event.data
    words = [str(data.get("status", "")), str(data.get("reason") or "")]
    if int(data.get("attempt") or 0) > 1:
        words.insert(1, f"attempt {data['attempt']}")
    return f"  [dim]{escape(str(data.get('step', ''))):<10} {escape(' '.join(words).strip())}"


def _save_chart(client: ApiClient, answer: Answer, charts: Path) -> tuple[Path | None, str]:
    link = (answer.get("visualization") or {}).get("png_url")
    if not link:
        return None, ""
    url = urljoin(client.base_url, link)
    image = client.fetch(url)
    charts.mkdir(parents=True, exist_ok=True)
    file = charts / f"{answer['workflow_id']}.png"
    file.write_bytes(image)
    return file, url


def main() -> int:
    """Ask the words of the command line."""
    question = " ".join(sys.argv[1:]).strip()
    if not question:
        Console(stderr=True).print('Say what to ask: make ask Q="top 5 destinations by flights"')
        return 1
    settings = get_settings()
    api, charts = local_url(settings, settings.api_port), settings.baton_dir / "charts"
    console, host = Console(highlight=False), host_of_api(settings)
    return 0 if ask(api, question, charts, console, key=settings.api_key, host=host) else 1


if __name__ == "__main__":
    sys.exit(main())
