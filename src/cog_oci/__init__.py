"""OCI formats and the registry protocol; imports nothing of ours."""
