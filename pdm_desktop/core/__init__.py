"""The engine: everything the program does, without Qt and without a screen."""
