"""What `make` does: everything between a fresh machine and a running product."""
