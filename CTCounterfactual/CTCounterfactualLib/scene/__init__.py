"""The scene room: the only place that writes MRML; turns an explanation into nodes and an .mrb."""
