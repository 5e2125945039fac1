"""Qt as PythonQt wraps it, on PySide6."""
