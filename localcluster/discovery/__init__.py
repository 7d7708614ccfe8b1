"""What the server says of itself: groups, versions, resources, in old and in aggregated form."""
