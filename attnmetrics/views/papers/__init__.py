"""What papers published, each number beside a run's."""
