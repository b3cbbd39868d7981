"""Which path a question takes, and when that changes: pure functions of what was seen."""
