"""Simulated workload controllers: what a scheduler, a kubelet and a controller manager would do to objects.

Nothing runs: pods are said to run. How soon, and whether at all, is set by flags (`settings.py`) and by
annotations (`directives.py`). Each controller listens to the store, notes keys and works them off in
steps of the event loop; without changes and due times nothing happens.
"""
