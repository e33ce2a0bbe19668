"""The verb `evaluate`: what can be measured of one finished explanation, each with its meaning."""
