"""Label and field selectors: parsing with the server's own error texts, and matching."""
