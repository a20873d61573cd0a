"""A workbook (`.xlsx`) as another way to write the files of a catalog: one reader, two containers."""
