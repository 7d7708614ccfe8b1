"""Measurements of whole processes on one machine: `make bench`."""
