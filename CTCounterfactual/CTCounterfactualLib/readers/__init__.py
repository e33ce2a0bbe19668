"""Reader studies: does an explanation help people? Made of a cohort, read offline, then scored."""
