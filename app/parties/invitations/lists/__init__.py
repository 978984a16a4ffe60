"""Read lists of people as people have them: spreadsheets, address books, lines copied from an e-mail.

The package knows nothing of the application, because `child.py` runs it in a process without it. It imports itself
relatively for the same reason. `reader.read` is the entrance; what happens in between, in this order:

    kinds       which kind of file it is, by content
    encodings   the text of a file without a word about its encoding
    ...         sheets of rows of cells, one module for each kind
    headings    the words of column titles, in many languages
    columns     which column is which
    people      whom the rows name, and what of them was not read
"""
