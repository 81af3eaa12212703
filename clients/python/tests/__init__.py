"""Tests against a real principal. They need the commands on the PATH."""
