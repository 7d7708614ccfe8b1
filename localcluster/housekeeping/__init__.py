"""What a cluster does by itself to keep its own promises: definitions served, namespaces emptied, orphans
collected, roles aggregated. Each part listens to the store and acts a moment later, as a controller would.
"""
