"""Files of somebody else are opened in a process of their own, which may take memory and time up to a limit.

A file that was made to do harm, or is merely too much, ends that process. Whoever asked gets no answer and lives on.
The process inherits no environment (no secret of ours is in it), has no network and can open no file. It runs the same
program from the same disk: a wall against a file that makes a parser stumble, not against somebody who already runs
code here. `docs/decisions/0016` says why it is a fork.
"""

from marketplace.infra.confinement.asking import (
    ENVIRONMENT,
    ROOT,
    Limits,
    NoAnswer,
    NoAnswerError,
    Nursery,
)

__all__ = ["ENVIRONMENT", "ROOT", "Limits", "NoAnswer", "NoAnswerError", "Nursery"]
