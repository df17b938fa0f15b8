"""The release of Replicate's Cog whose SDK and HTTP behaviour this is.

Models and services compare this number; our own version is that of the runtime.
"""

__version__ = "0.22.0"
