"""Which resources there are: the table of built-in ones, and those that definitions add."""
