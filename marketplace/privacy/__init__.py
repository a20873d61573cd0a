"""What we keep about people: the register of it, a copy for each person, requests, closing an account, forgetting.

Owns the register of fields (`values/registry.toml`), exports, requests and their due dates, restrictions and the proof
of each erasure. Promises that nothing personal is kept that the register does not name, that an export holds everything
about one person and nothing about another, and that nothing is erased silently. Refuses to erase what a contract's
records must keep: those are restricted instead. Stands above the processes, because a person's data runs through all.
"""
