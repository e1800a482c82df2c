"""What one concludes from arrays: pure functions, no state, no files, no torch."""
