"""Object stores as Buckets need them: list keys, read objects; S3, Google Cloud Storage, Azure Blob."""
