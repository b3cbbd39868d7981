"""One gevent process under a breaker, told on the command line; answers with one line of JSON.

`python -m tests.breaker_greenlets <url> <name> <greenlets> <seconds> <failing|healthy> <call seconds>`
"""

import gevent.monkey

gevent.monkey.patch_all()

import json  # noqa: E402 - nothing before the patch
import sys  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402

from breakers import BreakerSettings, CircuitBreaker, CircuitOpenError  # noqa: E402
from breakers.model import Answer  # noqa: E402
from breakers.request import Request  # noqa: E402
from breakers.store import Store  # noqa: E402

SETTINGS = BreakerSettings(threshold=5, recovery_s=60.0)


class CountingStore(Store):
    """Counts the round trips, and those under way at once."""

    trips = under_way = most_under_way = 0

    def run(self, request: Request) -> Answer:
        self.trips += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return super().run(request)
        finally:
            self.under_way -= 1


def main() -> None:
    url, name, greenlets, seconds, kind, call_s = sys.argv[1:]
    store = CountingStore(url)
    breaker = CircuitBreaker(name, SETTINGS, store)
    breaker.flush()  # the first view; many greenlets begin at once
    before, calls = store.trips, list[float]()
    ends = time.monotonic() + float(seconds)

    def work() -> None:
        while time.monotonic() < ends:
            try:
                with breaker.calling() as span:
                    calls.append(time.time())
                    gevent.sleep(float(call_s))
                    if kind == "failing":
                        span.failed()
            except CircuitOpenError:
                gevent.sleep(float(call_s))

    print("ready", flush=True)
    sys.stdin.readline()
    ends = time.monotonic() + float(seconds)
    gevent.joinall([gevent.spawn(work) for _ in range(int(greenlets))], raise_error=True)
    print(json.dumps({"calls": calls, "trips": store.trips - before, "most_under_way": store.most_under_way}))


if __name__ == "__main__":
    main()
