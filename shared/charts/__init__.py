"""Helm charts: packages, indexes, values and the rendering engine behind a small port."""
