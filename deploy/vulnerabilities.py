"""Known vulnerabilities of every package in `constraints.txt`, by pip-audit; part of `make check`.

Exit 1 when there is one. Where the feed cannot be reached, or does not answer in time, one line says so and the check
goes on: a machine without a network is no fault of the code.
"""

import json
import subprocess
import sys
from typing import Any, Final

from deploy.constraints import FILE

ANSWER_S: Final = 3  # of the feed, for each package
LIMIT_S: Final = 120.0
_COMMAND: Final = (sys.executable, "-m", "pip_audit", "--progress-spinner=off", "--disable-pip", "--no-deps",
                   "--format=json", f"--timeout={ANSWER_S}", f"--requirement={FILE}")


def verdict(exit_code: int, said: str, errors: str = "") -> tuple[bool, str]:
    """Whether the check passes, and what to tell, from pip-audit's end: what it `said` is JSON, if it got that far."""
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (errors.strip().splitlines() or [f"it ended with {exit_code}"])[-1][:200]
        return True, f"NOT AUDITED: the vulnerability feed cannot be asked here ({reason})."
    found = [_told(one, fault) for one in packages for fault in one.get("vulns", ())]
    if found:
        return False, "Known vulnerabilities:\n" + "\n".join(found)
    skipped = sum("skip_reason" in one for one in packages)
    if skipped == len(packages):
        return True, "NOT AUDITED: the vulnerability feed here knows none of the pinned packages."
    beside = f"; {skipped} are unknown to the feed" if skipped else ""
    return True, f"No known vulnerabilities in {len(packages) - skipped} pinned packages{beside}."


def _told(package: dict[str, Any], fault: dict[str, Any]) -> str:
    mended = ", ".join(fault["fix_versions"]) or "none yet"
    return f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}"


def audit(command: tuple[str, ...] = _COMMAND, limit_s: float = LIMIT_S) -> tuple[bool, str]:
    """Ask once, within `limit_s`."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return verdict(-1, "", f"no answer within {limit_s:.0f} s")
    return verdict(done.returncode, done.stdout, done.stderr)


def main() -> None:
    """Tell the verdict."""
    passes, said = audit()
    sys.stdout.write(f"{said}\n")
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main()
