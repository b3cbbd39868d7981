"""`python -m deploy.local`: start everything, answer one question, keep serving; Ctrl-C stops it in order."""

import argparse
import signal
import sys
from types import FrameType

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from core.settings import Settings, get_settings
from deploy.ask import ask
from deploy.local.children import Child, children, host_of_api, local_url
from deploy.local.faults import LocalFault
from deploy.local.first_question import first_question
from deploy.local.preflight import check, check_exposure, folder_lock
from deploy.local.startup import bring_up
from deploy.local.supervisord import Supervisord
from deploy.local.terminal import own_foreground
from deploy.local.watch import keep_watch

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Stopped(BaseException):
    """A person or a service manager asked us to stop."""


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after a wanted stop, 1 after a fault that is told in one line."""
    options = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with own_foreground():
            _serve(get_settings(), options.question)
    except ValidationError as error:
        errors.print(f"[red]{escape(_explained(error))}")
        return 1
    except LocalFault as fault:
        errors.print(f"[red]{escape(str(fault))}")
        return 1
    except Stopped:
        console.print("Stopped.")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("--question", help="asked once everything is ready")
    parser.add_argument("--no-question", dest="question", action="store_const", const="", help="start without asking")
    return parser.parse_args(arguments)


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: the stop that follows takes its bounded time undisturbed.
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, signal.SIG_IGN)
    raise Stopped


def _serve(settings: Settings, question: str | None) -> None:
    with folder_lock(settings.baton_dir), Supervisord(settings.baton_dir) as supervisord:
        check_exposure(settings)
        wanted = children(settings)
        check(wanted, settings.bind_host)
        console.print(f"Starting {', '.join(child.title for child in wanted)} ...")
        bring_up(supervisord, wanted, _report)
        if question != "" and (settings.api_key or not settings.api_keys_file):
            _answer_one(settings, question or first_question(settings))
        console.print(_signpost(settings))
        keep_watch(supervisord, wanted, console.print)


def _report(child: Child, seconds: float) -> None:
    where = f"port {child.port}" if child.port else ""
    console.print(f"  [green]ready[/] {child.title:<10} {where:<10} {seconds:5.1f} s")


def _answer_one(settings: Settings, question: str) -> None:
    # A question that fails is told like any other; the system goes on serving.
    console.print()
    charts = settings.baton_dir / "charts"
    api, host = local_url(settings, settings.api_port), host_of_api(settings)
    ask(api, question, charts, console, key=settings.api_key, host=host)


def _signpost(settings: Settings) -> Panel:
    api, flower = local_url(settings, settings.api_port), local_url(settings, settings.flower_port)
    rows = {
        "Ask in the browser": f"{api}/",
        "API, described": f"{api}/api/openapi.json",
        "Tasks (Flower)": f"{flower}/",
        "Ask in a shell": 'make ask Q="top 5 destinations by flights"',
        "Logs": "make logs",
        "Stop": "Ctrl-C",
    }
    table = Table.grid(padding=(0, 2))
    for what, where in rows.items():
        table.add_row(what, where)
    return Panel(table, title="Baton is ready", title_align="left", expand=False)


def _explained(error: ValidationError) -> str:
    """One line per setting that is wrong, by the name it has in the environment."""
    return "\n".join(
        f"{'.'.join(map(str, fault['loc'])).upper() or 'Settings'}: {fault['msg']}" for fault in error.errors()
    )


if __name__ == "__main__":
    sys.exit(main())
