"""What the figures mean: rates and percentiles made of counts, and the families that Prometheus reads."""
