"""Remote bases: what a kustomization names on the network, fetched without credentials and within bounds."""
