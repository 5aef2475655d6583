"""The strongest pairs of every claim: where its pairs may lie, and which of them weigh most in each head."""
