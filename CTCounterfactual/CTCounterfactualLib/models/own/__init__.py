"""Models of the user's own: a card says what the file is, how to feed it and how to read it."""
