"""What school offices write as a list: bytes or a workbook in, rows of text out, with a word for every guess."""
