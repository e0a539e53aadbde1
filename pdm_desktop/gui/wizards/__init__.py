"""Windows that lead through one job, step by step. They ask by signals; who opens them runs the work."""
