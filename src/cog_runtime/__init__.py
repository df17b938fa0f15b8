"""What is baked into every image: a server, and a worker that runs the model."""
