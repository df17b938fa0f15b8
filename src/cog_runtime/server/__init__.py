"""The process that answers HTTP: Starlette on uvicorn, and never a line of the model's code."""
