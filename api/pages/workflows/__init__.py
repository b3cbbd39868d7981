"""The pages of workflows: a list of many, and one with its timeline."""
