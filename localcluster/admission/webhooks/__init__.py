"""Admission webhooks: whom to ask about a write, the asking over HTTPS, and what the answers do."""
