"""Tables and lines in the terminal, of whatever a run has.

Everything returned is a rich renderable. Text of the corpus is drawn as it stands: never as markup, never as a control
sequence.
"""
