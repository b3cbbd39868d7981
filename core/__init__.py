"""Floor 0: settings, Redis clients, logging, clock."""
