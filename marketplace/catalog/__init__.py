"""Products of insurers: lines of business, factors, immutable product versions, covers, exclusions, documents.

Owns what a product says and when it is on sale. Promises that a published version never changes, that no two versions
of a product are on sale on the same day, and that a version names everything its market profile demands. Refuses to
price (rating) and to decide on a person (underwriting).
"""
