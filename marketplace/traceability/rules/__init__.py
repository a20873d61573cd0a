"""What the verifiable log is made of, as bytes: leaves, signed notes, places of tiles, proofs, the change of its key.

Formats: docs/evidence-format.md, and the specifications of C2SP that it names.
"""
