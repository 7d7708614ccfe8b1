"""Helm's release records: what was installed, kept in the cluster exactly as Helm keeps it."""
