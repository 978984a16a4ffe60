"""How much a chart may hold. What is beyond is left out, and the chart says so."""

# Larger numbers cannot be formatted, nor drawn without losing digits.
MAX_NUMBER = 1e15
MAX_LABEL = 200
MAX_TEXT = 20_000
# Of a table, and of a series.
MAX_ROWS = 10_000
# Of a line: no screen shows more. Between them, the lowest and the highest values stay.
MAX_POINTS = 1_000
# Rows that are aggregated before anything is drawn.
MAX_SOURCE_ROWS = 50_000
MAX_COLUMNS = 50
MAX_SERIES = 12
MAX_CATEGORIES = 500
MAX_PARTS = 30
MAX_NUMBERS = 24
MAX_VALUES = 1_000
# Of a heat map, in each direction.
MAX_SIDE = 100
MAX_BOXES = 50
MAX_OUTLIERS = 100
MAX_BINS = 100
MAX_MULTIPLES = 24
MAX_NODES = 200
MAX_EDGES = 1_000
MAX_DOT = 100_000
MAX_BRANCHES = 2_000
MAX_DEPTH = 40
# Of a tree, before its upper part is taken.
MAX_TREE = 20_000
MAX_EVENTS = 200
MAX_WORDS = 200
MAX_IMAGE = 1_000_000
# Of a specification: keys and entries that are looked at.
MAX_SPECIFICATION = 50_000
# Rows that are read for it, each as often as a transform or a layer has entries that ask for something.
MAX_WORK = 1_000_000
