"""Tables on disk: reading and writing them, what counts in them, what is published, and keeping them whole."""
