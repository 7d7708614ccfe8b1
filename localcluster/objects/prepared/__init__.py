"""What the strategies of single kinds derive, one file a kind."""
