"""What models import."""
