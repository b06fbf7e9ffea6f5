"""What a card can do, by its bits (section 2.3)."""

EXTENDED_LENGTH = 0
MADE = 1
AUXILIARY = 2
IMPORTED = 3
WITHOUT_PIN = 4
CREDITS = 5
SIGNING = 6
CHANNEL = 7
STATEMENTS = 9

ALL = sum(1 << bit for bit in (*range(8), STATEMENTS))
