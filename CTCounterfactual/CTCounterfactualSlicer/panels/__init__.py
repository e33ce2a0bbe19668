"""The sections of the module's panel: each draws one of them, none computes."""
