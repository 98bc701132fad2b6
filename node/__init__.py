"""A running node: the application, its drivers and its faces. Composes the three rooms below."""
