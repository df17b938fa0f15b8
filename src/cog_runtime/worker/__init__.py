"""The process that runs the model: standard library only, Python 3.8 and later."""
