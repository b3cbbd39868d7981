"""The agents: their HTTP contract, our client for it, and the three that are bundled."""
