"""Identities of the clouds: short-lived credentials for registries, buckets, git and key services.

The vendors' libraries are extras (`aws`, `azure`, `gcp`), imported by the first object that needs one. They
block, so each call runs in a thread, within a time limit. See specs/source.md 7.2.
"""
