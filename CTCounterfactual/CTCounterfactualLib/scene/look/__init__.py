"""How it is looked at: layouts, views, windows, jumps to a place."""
