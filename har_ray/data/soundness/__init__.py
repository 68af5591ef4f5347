"""What is wrong with recordings that no reader minds: said before anything is trained.

Notable: recordings are not read for it. While windows are made, `statistics.py` adds up a few numbers a recording; a
file here for each kind of finding asks these numbers one question, and `checks.py` asks them all. What they find is
kept in the windows' manifest. Each threshold says what it was measured on.
"""
