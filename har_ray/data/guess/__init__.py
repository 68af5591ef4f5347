"""A first look at files of an unknown kind: a descriptor of what they seem to hold, with questions.

The parts, a question each: `layout.py`, what is in the files; `paths.py`, what their paths say; `parts.py`, which files
make one recording; `time.py`, when; `rate.py`, how fast; `identity.py`, who; `labels.py`, what they do, and
`intervals.py`, where that stands in files of its own; `channels.py`, which sensors, and `units.py`, in which units.
`descriptor.py` puts the answers together, `soundness.py` says what would make results wrong, `writing.py` writes it
all, `showing.py` shows the first values.
"""
