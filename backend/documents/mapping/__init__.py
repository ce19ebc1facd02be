"""The map of the passages: points on a plane, worked out in a process of their own."""
