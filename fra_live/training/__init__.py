"""Training of the networks, the ranking and the classifiers; never imported to run."""
