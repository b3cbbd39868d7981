"""The direct path: the same story as the workers', told in this process."""
