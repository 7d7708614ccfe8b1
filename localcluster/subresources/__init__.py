"""What hangs below an object's path and is more than another way to write its status."""
