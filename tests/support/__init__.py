"""What every test gets without asking: isolation from the user, a guard against leftovers, golden files."""
