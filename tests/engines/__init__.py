"""Brings real engines up for the tests: container engines, a registry, base images, networks, a browser."""
