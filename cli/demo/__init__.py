"""`python -m cli.demo`: the whole loop on one machine, told as it happens."""
