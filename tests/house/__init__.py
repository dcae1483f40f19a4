"""Tests of the project itself: its structure, its packages, its scripts."""
