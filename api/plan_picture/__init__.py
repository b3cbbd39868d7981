"""A workflow's plan as a picture."""
