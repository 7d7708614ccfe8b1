"""What the API server knows about objects: pure functions, no I/O, no clock but the one passed in."""
