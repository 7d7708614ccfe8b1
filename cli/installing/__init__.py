"""Installing Headwater in a cluster and removing it: plans, manifests, and what is done with them."""
