"""kustomize-controller: make a cluster look like what a source's artifact says."""
