"""A page in a real browser, and everything that must not happen on any of ours: the fixture `visit` opens one.

When it is closed it must have asked this server alone, have got a strict policy with each document, and have complained
of nothing: a violation of the policy, a script's error and a file that is missing are complaints.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-first-run", "--disable-quic"]
LIMIT_MS = 30_000
_WITHIN = ("data:", "blob:", "about:")
# A test types sooner than a person: the box had the focus before the page could give it.
_TYPED_EARLY = "info: Autofocus processing was blocked"
_REFUSED = re.compile(r"error: Failed to load resource: the server responded with a status of (\d+) ")


@dataclass
class Watched:
    """A page, every URL it asked for, the policy of each document, and everything it complained about.

    `refusals` are the statuses the test means to provoke: the browser tells of each on its console.
    """

    page: Page
    refusals: Sequence[HTTPStatus] = ()
    urls: list[str] = field(default_factory=list)
    policies: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(LIMIT_MS)
        context = self.page.context  # further pages of the same browser are watched too
        context.on("request", lambda request: self.urls.append(request.url))
        context.on("response", self._answered)
        context.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self.complaints.append(f"error: {error.error}"))

    def check(self, base_url: str) -> None:
        """Whether nothing has happened that must not."""
        hosts = {urlsplit(url).netloc for url in self.urls if not url.startswith(_WITHIN)}
        assert hosts <= {urlsplit(base_url).netloc}
        for url, policy in self.policies.items():
            assert re.match("default-src '(self|none)';", policy), url
            assert "unsafe-" not in policy, url
        left = [said for said in self.complaints if not self._harmless(said)]
        assert left == []

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.request.resource_type == "document":
            self.policies[response.url] = response.headers.get("content-security-policy", "")

    def _harmless(self, said: str) -> bool:
        told = _REFUSED.match(said)
        return said.startswith(_TYPED_EARLY) or (told is not None and int(told[1]) in self.refusals)
