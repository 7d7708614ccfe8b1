"""HTTP as Kubernetes speaks it: what a request asks for, and how an answer is written."""
