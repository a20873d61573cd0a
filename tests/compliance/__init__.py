"""The report of the requirements of the law and of the tests that carry them (`make compliance`)."""
