"""`headwater why`: from the source to the pod, and the first link that is broken."""
