"""A run's heads for HeadVis (Luger, Kamath et al. 2026), in the format that its front end reads."""
