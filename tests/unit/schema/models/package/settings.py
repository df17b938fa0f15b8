SIZES = ("s", "m", "l")
DEFAULT = SIZES[1]
