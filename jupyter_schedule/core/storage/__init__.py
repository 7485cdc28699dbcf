"""Where files live: one contract, kept by folders and by S3."""
