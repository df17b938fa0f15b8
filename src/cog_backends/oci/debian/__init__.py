"""Bases with Python, and system packages, made straight from Debian packages."""
