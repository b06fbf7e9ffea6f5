#!/usr/bin/env python3
"""Checks that the client's constants are the protocol text's: each stands in the section named, is used, and none stands elsewhere in the code."""

import ast
import re
import sys
from pathlib import Path

from tillcard import constants, notation, standards

HERE = Path(__file__).parent
TEXT = HERE.parents[2] / "docs" / "protocol.md"

# Numbers up to here are counts and positions of ordinary programming.
SMALL = 16

SCRIPTS = ["story.py", "ledger.py"]

# Modules where constants may stand, and why.
HOMES = {
    "constants.py": "words of the text, checked here one by one",
    "notation.py": "the grammar of the text's notation",
    "standards.py": "numbers of the standards, under citations checked here",
}


def sections(text: str) -> dict[str, str]:
    """What stands under each numbered heading, heading included; what stands before the first under ''."""
    found, number, examples = {"": ""}, "", False
    for line in text.splitlines():
        examples ^= line.startswith("```")
        if not examples and (heading := re.match(r"#+ (\d+(?:\.\d+)*)\.? ", line)):
            number = heading[1]
            found[number] = ""
        found[number] += line + "\n"
    return {number: squeeze(body) for number, body in found.items()}


def squeeze(text: str) -> str:
    return " ".join(text.split())


def missing_quotes(text: str) -> list[str]:
    found = sections(text)
    return [
        f"section {section or '(title)'} doesn't say: {words}"
        for section, words in notation.QUOTES
        if squeeze(words) not in found.get(section, "")
    ]


def missing_citations(text: str) -> list[str]:
    return [f"the text doesn't cite {name}" for name in sorted(set(standards.CITATIONS)) if name not in text]


def unquoted_constants(source: str) -> list[str]:
    """Values in constants.py that don't come from a quotation."""
    wrong = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ImportFrom, ast.Expr)):
            continue
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and not isinstance(each.value, str) and each.value not in (1, 2):
                wrong.append(f"constants.py:{each.lineno}: {each.value!r} isn't a quotation")
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
        strange = {name for name in names if not name.isupper()} - set(dir(notation)) - {"int"}
        wrong += [f"constants.py:{node.lineno}: {name} isn't a reader of quotations" for name in strange]
    return wrong


def unused_constants(source: str, users: list[str]) -> list[str]:
    """Names in constants.py that nothing reads, there or in the users."""
    tree = ast.parse(source)
    names = [node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)]
    read = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    read |= {each.attr for user in users for each in ast.walk(ast.parse(user)) if isinstance(each, ast.Attribute)}
    return [f"constants.py: nothing uses {name}" for name in names if name not in read]


def stray_constants(name: str, tree: ast.Module) -> list[str]:
    """Literals outside their homes that look like the protocol's."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and makes_bytes(node):
            wrong.append((node, ast.unparse(node)))
        if not isinstance(node, ast.Constant) or id(node) in prose:
            continue
        value = node.value
        if isinstance(value, int) and value > SMALL:
            wrong.append((node, value))
        if isinstance(value, bytes) and value:
            wrong.append((node, value))
        if isinstance(value, str) and re.match(r"Tillcard/|Tap[A-Z]|BIP0|(?=.*\d)[0-9A-Fa-f]{2,}$", value):
            wrong.append((node, value))
    return [f"{name}:{node.lineno}: {value!r} should stand in constants.py" for node, value in wrong]


def makes_bytes(call: ast.Call) -> bool:
    """bytes or bytes.fromhex, of something written out."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    written = [each for arg in call.args for each in ([arg] if name == "fromhex" else getattr(arg, "elts", []))]
    return name in ("bytes", "fromhex") and any(isinstance(each, ast.Constant) for each in written)


def without_choices(tree: ast.Module) -> ast.Module:
    """A script without its own choices (amounts, PIN), which stand in capitals at its top."""
    body = [node for node in tree.body if not (isinstance(node, ast.Assign) and node.targets[0].id.isupper())]
    return ast.Module(body, tree.type_ignores)


def check(text: str) -> list[str]:
    quoted = Path(constants.__file__).read_text()
    client = {path.name: path.read_text() for path in sorted((HERE / "tillcard").glob("*.py"))}
    scripts = {name: (HERE / name).read_text() for name in SCRIPTS}
    wrong = missing_quotes(text) + missing_citations(text) + unquoted_constants(quoted)
    wrong += unused_constants(quoted, [*client.values(), *scripts.values()])
    for name, source in client.items():
        if name not in HOMES:
            wrong += stray_constants(name, ast.parse(source))
    for name, source in scripts.items():
        wrong += stray_constants(name, without_choices(ast.parse(source)))
    return wrong


def main() -> int:
    wrong = check(TEXT.read_text())
    print("\n".join(wrong) or f"{len(notation.QUOTES)} quotations stand in {TEXT.name}, all are used, and no constant stands elsewhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
