"""A finished run for other programs: its tables as CSV or JSON, and its heads for the HeadVis front end."""
