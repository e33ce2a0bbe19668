"""What a result says, in plain sentences that each stand on a number or a flag."""
