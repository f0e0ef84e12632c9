"""What people type and see in a terminal: arguments, tables, words, exit codes."""
