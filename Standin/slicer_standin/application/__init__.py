"""The application around the scene."""
