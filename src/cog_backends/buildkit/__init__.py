"""Builds with any BuildKit server through ``buildctl``: of this machine, of another one, or of a cluster."""
