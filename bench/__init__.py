"""The benchmark: Baton beside bare Celery and plain calls, in one run (`make bench`, docs/benchmarks.md)."""
