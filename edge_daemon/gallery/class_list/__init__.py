"""Reads the lists of school offices: bytes or a workbook become rows of text, with a remark for every guess."""
