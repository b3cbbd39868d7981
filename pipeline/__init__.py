"""Floor 3: plans become chains, steps become calls, outputs become answers. Knows Celery's canvas, not our tasks."""
