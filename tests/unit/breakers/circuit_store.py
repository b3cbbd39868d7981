"""A shared breaker in this process: requests are run against circuits, on the test's clock; it may be away."""

from breakers.circuit import Circuit
from breakers.errors import BreakerStoreAway
from breakers.model import Mode, Outcome, to_us
from breakers.request import Operation

SERVER_AHEAD_S = 1_800_000_000.0  # the server's clock is not the process's


class Clock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


class CircuitStore:
    def __init__(self, clock):
        self.clock = clock
        self.circuits = {}
        self.requests = []
        self.away = False
        self.before_answer = None  # called once, when a request has been run and its answer is on its way

    @property
    def trips(self):
        return len(self.requests)

    def run(self, request):
        self.requests.append(request)
        if self.away:
            raise BreakerStoreAway("refused")
        circuit = self.circuits.setdefault(request.name, Circuit(request.base))
        answer = self.operate(circuit, request, to_us(self.clock() + SERVER_AHEAD_S))
        meanwhile, self.before_answer = self.before_answer, None
        if meanwhile:
            meanwhile()
        return answer

    @staticmethod
    def operate(circuit, request, now):
        own, tally = request.own, request.tally
        if request.operation in (Operation.MODE, Operation.SETTINGS):
            circuit.look(now, tally)
        return {
            Operation.LOOK: lambda: circuit.look(now, tally),
            Operation.ASK: lambda: circuit.ask(now, own[0], tally),
            Operation.PROBE: lambda: circuit.probe(now, own[0], tally),
            Operation.REPORT: lambda: circuit.report(now, own[0], own[1], Outcome(own[2]), tally),
            Operation.RETRY: lambda: circuit.take_retry(now, tally),
            Operation.MODE: lambda: circuit.set_mode(now, Mode(own[0]), own[1], own[2], own[3]),
            Operation.SETTINGS: lambda: circuit.set_settings(now, own[0]),
        }[request.operation]()
