"""What the server itself adds to, or has against, a write, beyond the rules of the object's kind."""
