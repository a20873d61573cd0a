"""Doors for machines, described by OpenAPI 3.1 at /api/v1/openapi.json. No cookies, no forms: a key opens them."""
