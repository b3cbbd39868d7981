"""The compose step: the parts of a complex question become one answer."""
