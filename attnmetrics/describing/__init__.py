"""What each head does, by declared rules over the results of a run, and in one sentence.

Results go in, roles come out: `rules.py` reads the rules, `tables.py` finds in a run what they ask for, `finding.py`
applies them, `sentences.py` says it in words, `frame.py` makes the table, `nearest.py` finds heads that are alike.
"""
