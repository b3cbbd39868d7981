"""A proxy before the agents that does to their calls what networks and agents do: for tests and demos.

It imports `core` and `agents.registry` and nothing else of ours; `docs/faults.md` is its manual.
"""
