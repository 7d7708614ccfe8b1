"""What can be done to objects: one module per verb, all on the same store."""
