LIMIT = 3 * 4
