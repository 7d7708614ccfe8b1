"""image-automation-controller: new image tags, selected by policy and committed to Git."""
