"""Which checks of OWASP ASVS 5.0.0 the product is held to, and the report of what holds them (`make asvs`)."""
