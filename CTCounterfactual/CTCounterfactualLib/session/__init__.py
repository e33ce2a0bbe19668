"""A live lambda: a scan that is ready, whose pictures and score follow wherever lambda goes."""
