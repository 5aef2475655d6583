"""Attention in one text: pages of three views, and a server with a model at hand."""
