"""Who may enter: customers, the insurers and their staff, the marketplace's own staff.

Owns insurers, accounts, their passwords, and the codes and links that prove an address. Promises: secrets are kept as
hashes only, codes and links work once and not for long, tries are counted in the database whatever becomes of the
request, and a stranger learns nothing about who has an account. Refuses: staff accounts by registration or by code.
"""
