"""How each kind of file is opened, understood and read: text, Parquet, JSON lines, spreadsheets, MATLAB."""
