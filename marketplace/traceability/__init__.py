"""What was shown and what was done, entry by entry, for each journey to a contract.

Owns journeys, page versions and the intake of evidence. Promises: an act is recorded in the transaction that makes it
true, a sales page is recorded before its bytes leave, and nobody working for the site can change, remove or even read
back what the site wrote; reading is another role's. Refuses to be silent: what cannot be recorded does not happen
(`TrailUnavailable`).
"""
