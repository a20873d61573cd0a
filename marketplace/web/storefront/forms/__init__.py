"""Forms of the storefront that are not made from the catalog alone."""
