"""The storage of files: one contract, kept by folders and by S3."""
