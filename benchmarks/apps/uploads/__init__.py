"""The contenders of benchmarks/uploads.py: `POST /upload`, a form of three text fields and a file that is spooled."""
