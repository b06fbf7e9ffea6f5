"""The check of constants finds what it is there for."""

import ast
import unittest

import check_constants as check
from tillcard import constants as C, notation

TEXT = check.TEXT.read_text()


class Constants(unittest.TestCase):
    def test_all_stand_in_the_text(self):
        self.assertEqual(check.check(TEXT), [])

    def test_each_changed_word_is_found(self):
        section, words = "6.2", "`80 20 txid ‖ 81 04 vout ‖ 82 04 place`"
        self.assertIn((section, words), notation.QUOTES)
        missing = check.missing_quotes(TEXT.replace(words, words.replace("82 04", "83 04")))
        self.assertTrue(any(words in line for line in missing))

    def test_words_of_another_section_do_not_count(self):
        moved = TEXT.replace("### 6.2 ", "### 6.9 ")
        self.assertTrue(any(line.startswith("section 6.2 ") for line in check.missing_quotes(moved)))

    def test_missing_citation_is_found(self):
        self.assertEqual(check.missing_citations(TEXT.replace("BIP144", "")), ["the text doesn't cite BIP144"])

    def test_stray_constants_are_found(self):
        for source in ["a = 17", "a = b'x'", "a = 'Tillcard/x'", "a = bytes.fromhex('9000')", "a = bytes([1, 2])", "a = '63C'"]:
            self.assertTrue(check.stray_constants("x.py", ast.parse(source)), source)
        self.assertEqual(check.stray_constants("x.py", ast.parse('"""1F prose"""\na = 16\nb = b""\nc = "network"')), [])

    def test_unquoted_constants_are_found(self):
        for source in ["A = 5", "A = b'x'", "A = bytes(3)", "A = octets('1', 'x') + b'y'"]:
            self.assertTrue(check.unquoted_constants(source), source)

    def test_unused_constants_are_found(self):
        source = "A = 1\nB = A\nC = 2"
        self.assertEqual(check.unused_constants(source, ["x = C.B"]), ["constants.py: nothing uses C"])

    def test_status_words_are_all_the_text_lists(self):
        listed = set(check.re.findall(r"`([0-9A-F]{4})`", check.sections(TEXT)["9"]))
        known = {status.hex().upper() for status in C.MEANINGS} | {C.DONE.hex()}
        self.assertEqual(listed - known, set())
        self.assertEqual(C.MEANINGS[bytes.fromhex("940C")], "coin refused: other script")


if __name__ == "__main__":
    unittest.main()
