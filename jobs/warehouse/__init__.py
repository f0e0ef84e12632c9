"""Tables on disk: reads and writes them, decides which rows count, publishes scores and repairs damage."""
