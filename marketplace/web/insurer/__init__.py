"""The desk of an insurer's staff: their own sales, products and uploads, nothing of anybody else."""
