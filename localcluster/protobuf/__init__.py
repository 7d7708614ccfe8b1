"""Protobuf request bodies: kubectl and helm send built-in kinds so. Answers are always JSON or YAML."""
