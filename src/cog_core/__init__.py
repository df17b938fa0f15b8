"""From a project to a plan, and from a plan to an image: the library under the command line."""
