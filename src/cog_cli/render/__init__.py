"""What people see: everything but results goes to standard error."""
