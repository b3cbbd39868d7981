"""Starting the system on one machine, and asking it from a shell."""
