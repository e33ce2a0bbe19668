"""How the score depends on one place: replaced in several ways, beside places at random."""
