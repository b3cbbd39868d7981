"""The routes of the API under `/api`, and `/health` and `/metrics`: one file a part."""
