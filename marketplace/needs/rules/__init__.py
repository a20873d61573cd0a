"""The declared rule of schemes: what a household needs (`needing`), and how its budget is spent on it (`planning`).

Everything that decides is here and on the page "how we plan": no commission and no insurer's name is among it. A change
gets a new `RULE`, since every scheme says by which one it was made.
"""

RULE = "scheme-1"
