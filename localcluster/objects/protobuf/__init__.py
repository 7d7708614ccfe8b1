"""Bodies in Kubernetes' protobuf encoding, which typed clients send and do not fall back from.

Answers are never in protobuf: every client takes JSON too.
"""
