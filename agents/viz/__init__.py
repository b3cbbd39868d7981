"""The bundled viz agent: rows in, a Vega-Lite chart with its reason and its alt text out."""
