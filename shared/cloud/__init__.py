"""Identities of the clouds: short-lived credentials for registries, buckets, git and key services."""
