"""What is there before anybody has made anything."""
