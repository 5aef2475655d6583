"""How fast measuring is, beside what people run today: the same sentences, in turns, in one process."""
