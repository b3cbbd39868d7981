"""The pages for operators: the dashboard, and the agents."""
