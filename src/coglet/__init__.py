"""A shim for models that import upstream's server module."""
