"""Edges: network, disk, clock."""
