"""The bundled data agent: one SQL statement in, rows out, read-only and bounded."""
