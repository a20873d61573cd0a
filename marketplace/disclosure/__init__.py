"""The marketplace's own wordings by version: notices a customer reads and sentences a customer agrees to.

Owns the text; a version, once published, is never changed or removed. Refuses: a wording typed into a template.
"""
