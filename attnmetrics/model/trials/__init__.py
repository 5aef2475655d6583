"""What is found out about a network by running it on a few short sentences."""
