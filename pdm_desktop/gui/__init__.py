"""The window. Reaches the core through `workspace` and runs long work through `tasks`."""
