"""The forms in which objects are shown: whole, metadata alone, or as rows of a table."""
