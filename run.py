"""Serve the site: `python run.py` starts granian's workers and, beside them, the deliverer of letters."""

from app import create_app

__all__ = ["create_app"]
