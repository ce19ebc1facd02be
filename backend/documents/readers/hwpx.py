"""HWPX is read as HWP 5 is: python-hwpx makes one tree of both."""

from backend.documents.readers.hwp import read

__all__ = ["read"]
