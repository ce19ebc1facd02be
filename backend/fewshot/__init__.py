"""Teaching by example: choosing shots, advice on a set of them, searching for a better set, and the band around it."""
