"""The bundled nlp agent: a question in plain English in, a typed plan and its SQL out, by rules."""
