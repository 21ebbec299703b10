"""Allocators and buffers."""
