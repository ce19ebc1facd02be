"""XLS is read as XLSX is: calamine reads both."""

from backend.documents.readers.xlsx import read

__all__ = ["read"]
