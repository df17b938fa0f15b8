"""The embedded backend: images made without an engine, a daemon or root."""
