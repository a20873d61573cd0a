"""Forms of an insurer's desk."""
