"""helm-controller: HelmRelease to releases exactly as Helm stores them."""
