"""One module per command, with a function ``command``, and ``SETTINGS`` for the parser where it needs some."""
