"""Pure functions from arrays to Plotly figures; :mod:`genviz.figures.theme` owns the look."""
