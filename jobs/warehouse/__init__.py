"""Tables: reads and writes them, decides which rows count, records what is published, and repairs damage."""
