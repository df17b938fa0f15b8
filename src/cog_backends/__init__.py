"""The backends that come with the tool, each registered as a stranger's would be."""
