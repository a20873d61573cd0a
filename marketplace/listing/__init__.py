"""An insurer's upload on its road to sale: file, findings, draft, published versions.

Owns the upload format and what is said about each upload. Promises that every fault is named with its file, row and
column, that nothing is guessed, and that versions, tariffs and documents are published in one transaction. Refuses a
container that plays tricks.
"""
