"""What can be done to a release: install, upgrade, roll back, uninstall, test, unlock.

One module and one async function each. Before: the controller decided what to do. After: it puts what
came of it into conditions. Every action leaves a record that says how far it came (specs/helm.md 20.2).
"""
