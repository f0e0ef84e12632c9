"""What people type and see in a terminal: arguments, tables, messages, exit codes."""
