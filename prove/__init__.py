"""The full-size proofs: `make prove` runs all topics, `make prove TOPIC=chaos` one; figures go to `docs/proof.json`."""
