"""Methods of explanation behind one interface: what each needs, and what it makes of a scan."""
