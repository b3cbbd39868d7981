"""Floor 5: HTTP and web pages. A route parses, makes one call down, and answers."""
