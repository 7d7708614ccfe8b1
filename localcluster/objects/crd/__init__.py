"""Custom resources: structural schemas compiled, pruned by, defaulted from and validated against."""
