"""source-controller: watch where configuration is kept, and publish it as artifacts."""
