"""What is baked into every image: a server, and a worker that runs the model.

The two are processes of their own and meet only in :mod:`cog_runtime.wire`.
"""

__version__ = "0.1.0"
