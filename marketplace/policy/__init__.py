"""Contracts and their versions.

Owns the policy number, the contract's canonical text (`body`) and the sealed document. Promises: one policy per
application, numbers without gaps per insurer and year, a document that is sealed once and never replaced. Refuses to
know how a contract was sold: what it needs arrives in `IssuePolicy`.
"""
