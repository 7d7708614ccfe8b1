"""Webhooks: who may call, what they may ask for, and the asking (specs/notification.md 13-15)."""
