"""What ArtifactGenerators do: copy parts of sources into new artifacts (spec source 13)."""
