"""The modules of a network: watched, laid out anew, or run with a kernel of ours."""
