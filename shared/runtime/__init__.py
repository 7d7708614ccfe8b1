"""What every process does the same way: flags, watch -> queue -> workers -> attempt, status, events.

A controller is a `Kind` (controller.py): where its objects live, how a spec is parsed, and two
coroutines, `reconcile` and `finalize`. Everything else is here.
"""
