"""A cohort's `report.html`: its tables, figures, cases and their pictures on one page."""
