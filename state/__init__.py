"""Floor 2: THE workflow record, its events and indexes, and Celery's result backend on top of it."""
