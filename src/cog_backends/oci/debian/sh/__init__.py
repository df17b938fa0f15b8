"""A reader of shell scripts that runs nothing: it works out what a script would do to a tree of files."""
