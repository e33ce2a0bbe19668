"""Does a model do what its card says? Checks on a generated chest, each with what to do about it."""
