"""What people type. Kept free of imports: `python -m scripts.setup` runs before anything is installed."""
