"""HelmRepository and HelmChart: indexes, charts, and how they are fetched and built."""
