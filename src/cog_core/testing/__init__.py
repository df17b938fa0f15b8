"""The public kit for tests of backends, plugins and whatever else talks to us."""
