"""The first look at a source: bounds it, character by character, before any parser sees it.

CPython's parser has limits of its own that depend on the release and on the stack it is called from, and its
tokenizer changed between releases. So this pass, which recurses nowhere, makes sure that no source comes near them:
brackets, blocks, `elif` chains and operators nest only so deep, every number and string is plain, nothing warns.
What passes is parsed alike everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from runtime.bundle.allowlist import MAX_BLOCKS, MAX_BRACKETS, MAX_BRANCHES, MAX_NAME, MAX_NUMBER, MAX_OPERANDS
from runtime.bundle.archive import MAX_FILE
from runtime.bundle.problems import Findings, Problem

_TOKEN = re.compile(
    r"""
      (?P<space>[ ]+|\#[^\n]*)
    | (?P<newline>\n)
    | (?P<string>(?P<prefix>[A-Za-z]{0,3})(?P<quote>\"{3}|'{3}|"|'))
    | (?P<number>\.?[0-9][0-9A-Za-z_.]*)
    | (?P<name>[A-Za-z_][0-9A-Za-z_]*)
    | (?P<operator>\*\*=|//=|>>=|<<=|\.\.\.|->|:=|==|!=|<=|>=|\+=|-=|\*=|/=|%=|&=|\|=|\^=|@=|\*\*|//|<<|>>
                  |[-+*/%@&|^~<>=()\[\]{},:.])
    """,
    re.VERBOSE,
)
_INTEGER = re.compile(r"0|[1-9](_?[0-9])*|0x(_?[0-9a-fA-F])+|0o(_?[0-7])+|0b(_?[01])+")
_FLOAT = re.compile(r"[0-9_]*\.[0-9_]*([eE][0-9_]*)?[jJ]?|[0-9_]+[eE][0-9_]*[jJ]?|[0-9_]+[jJ]")
_BODIES = {
    '"': re.compile(r'[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"'),
    "'": re.compile(r"[^'\\\n]*(?:\\[^\n][^'\\\n]*)*'"),
    '"""': re.compile(r'[^"\\]*(?:(?:\\[^\n]|"(?!""))[^"\\]*)*"""'),
    "'''": re.compile(r"[^'\\]*(?:(?:\\[^\n]|'(?!''))[^'\\]*)*'''"),
}
_ESCAPE = re.compile(
    r"\\(?:[\\'\"ntr]|0(?![0-7])|x[0-9a-fA-F]{2}|(?P<text>u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(?P<bad>.))"
)
_SEPARATORS = {"": "=", "{": ":"}
"""What ends an item, beside a comma: an assignment's target, a dict's key."""
_PREFIXES = frozenset({"", "b", "r", "br", "rb"})
_CLOSING = {")": "(", "]": "[", "}": "{"}
_STATEMENT_WORDS = frozenset(
    {
        *("as", "assert", "async", "break", "class", "continue", "def", "del", "elif", "except", "finally", "from"),
        *("global", "import", "nonlocal", "pass", "raise", "return", "try", "while", "with"),
    }
)
_OPERATOR_WORDS = frozenset({"and", "or", "not", "if", "else", "in", "is", "for", "lambda", "await", "yield"})


class Token(NamedTuple):
    kind: str
    """name, number, string, operator or newline."""
    text: str
    line: int
    column: int


class _Stop(Exception):
    """Nothing sensible can be read behind this problem."""

    def __init__(self, code: str, line: int, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.line = line
        self.message = message


def check_source(file: str, source: bytes) -> tuple[Problem, ...]:
    """Every problem that keeps a source from a parser; empty when it may be parsed."""
    bounds = _Bounds(file)
    try:
        text = _plain_text(source)
        for token in _tokens(text):
            bounds.take(token)
        bounds.end()
    except _Stop as stop:
        bounds.report(stop.code, stop.line, stop.message)
    return bounds.problems


def _plain_text(source: bytes) -> str:
    if len(source) > MAX_FILE:
        raise _Stop("too_long", 0, f"{len(source)} bytes, at most {MAX_FILE} are allowed")
    for position, byte in enumerate(source):
        if byte != 10 and not 32 <= byte < 127:
            line = source.count(b"\n", 0, position) + 1
            name = {9: "a tab", 13: "a carriage return", 12: "a form feed"}.get(byte, f"byte 0x{byte:02x}")
            raise _Stop("not_ascii", line, f"{name}: a source is printable ASCII, indented with spaces")
    return source.decode("ascii")


def _tokens(text: str) -> Iterator[Token]:
    position, line, start = 0, 1, 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise _bad_character(text[position], line)
        kind, word = str(found.lastgroup if found["string"] is None else "string"), found[0]
        end = found.end()
        if kind == "string":
            end = _string_end(text, found, line)
            word = text[position:end]
        elif kind == "number":
            _check_number(word, line)
        if kind != "space":
            yield Token(kind, word, line, position - start)
        line += word.count("\n")
        if "\n" in word:
            start = end - len(word) + word.rindex("\n") + 1
        position = end


def _bad_character(character: str, line: int) -> _Stop:
    if character == "\\":
        return _Stop("continuation", line, "a backslash does not join lines here; use brackets")
    if character == ";":
        return _Stop("semicolon", line, "write one statement a line")
    return _Stop("bad_character", line, f"{character!r} means nothing in Python")


def _check_number(word: str, line: int) -> None:
    if len(word) > MAX_NUMBER:
        raise _Stop("too_large", line, f"a number of {len(word)} characters; integers stay below 2**256")
    if not _INTEGER.fullmatch(word):
        if _FLOAT.fullmatch(word):
            raise _Stop("float", line, f"{word} is no integer; write ratios as two integers")
        raise _Stop("bad_number", line, f"{word!r} is not written as an integer: 10, 1_000, 0xff, 0o17 or 0b11")


def _string_end(text: str, found: re.Match[str], line: int) -> int:
    """The end of the literal that begins here, after checking its prefix and escapes."""
    prefix, quote = found["prefix"], found["quote"]
    if "f" in prefix.lower():
        raise _Stop("f_string", line, "join texts with + and str()")
    if prefix not in _PREFIXES:
        raise _Stop("string_prefix", line, f"the string prefix {prefix!r} is not allowed; use b or r")
    body = _BODIES[quote].match(text, found.end())
    if body is None:
        raise _Stop("open_string", line, "the string does not end, or a line in it ends in a backslash")
    if "r" not in prefix:
        for escape in _ESCAPE.finditer(body[0]):
            if escape["bad"] is not None or (escape["text"] and not _is_character(escape["text"], prefix)):
                at = line + body[0].count("\n", 0, escape.start())
                raise _Stop("bad_escape", at, f"the escape {escape[0]} is not allowed here")
    return body.end()


def _is_character(escape: str, prefix: str) -> bool:
    """Whether \\u or \\U names a character that UTF-8 can write, in a text."""
    number = int(escape[1:], 16)
    return "b" not in prefix and number < 0x110000 and not 0xD800 <= number < 0xE000


@dataclass(slots=True)
class _Level:
    """One open bracket, or the logical line itself: how deep the present item of it nests in the tree."""

    bracket: str
    line: int
    operands: int = 0
    operators: int = 0
    inner: int = 0
    """The deepest bracket inside the present item."""
    deepest: int = 0
    """The deepest item that ended."""
    after_operand: bool = False

    def depth(self) -> int:
        return max(self.deepest, self.operators + self.inner)

    def end_item(self) -> None:
        self.deepest = self.depth()
        self.operands = self.operators = self.inner = 0
        self.after_operand = False


class _Bounds:
    """Watches the tokens go by and reports what passes a bound."""

    def __init__(self, file: str) -> None:
        self._findings = Findings(file)
        self._levels = [_Level("", 1)]
        self._indents = [0]
        self._elifs = [0]
        self._at_start = True

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._findings.problems

    def report(self, code: str, line: int, message: str) -> None:
        self._findings.report(code, line, message)

    def take(self, token: Token) -> None:
        """Take in the next token, in order."""
        if token.kind == "newline":
            self._newline()
            return
        if self._at_start:
            self._line_begins(token)
        level = self._levels[-1]
        if token.kind == "operator" and token.text in "([{":
            self._open(level, token)
        elif token.kind == "operator" and token.text in _CLOSING:
            self._close(token)
        elif token.text == "," or token.text == _SEPARATORS.get(level.bracket):
            level.end_item()
        else:
            self._count(level, token)

    def end(self) -> None:
        """The source ends: every bracket must be closed."""
        if len(self._levels) > 1:
            raise _Stop("brackets", self._levels[-1].line, f"the bracket {self._levels[-1].bracket!r} is never closed")
        self._newline()

    def _newline(self) -> None:
        if len(self._levels) == 1 and not self._at_start:
            level = self._levels[0]
            if level.depth() > MAX_OPERANDS:
                self.report("too_nested", level.line, f"operators and brackets nest deeper than {MAX_OPERANDS}")
            self._levels = [_Level("", 0)]
            self._at_start = True

    def _line_begins(self, token: Token) -> None:
        """A logical line begins: its indentation opens or closes blocks."""
        self._at_start = False
        self._levels[0].line = token.line
        if token.column > self._indents[-1]:
            self._indents.append(token.column)
            self._elifs.append(0)
            if len(self._indents) > MAX_BLOCKS + 1:
                raise _Stop("too_nested", token.line, f"blocks nest deeper than {MAX_BLOCKS}")
        while token.column < self._indents[-1]:
            self._indents.pop()
            self._elifs.pop()
        if token.column != self._indents[-1]:
            raise _Stop("bad_indent", token.line, "the indentation fits no block that is open")
        self._elifs[-1] = self._elifs[-1] + 1 if token.text == "elif" else 0
        if sum(self._elifs) + len(self._elifs) > MAX_BRANCHES:
            raise _Stop("too_nested", token.line, f"blocks and elif nest deeper than {MAX_BRANCHES}; use a function")

    def _open(self, level: _Level, token: Token) -> None:
        if level.after_operand:  # a call or a subscript: one deeper, like an operator
            level.operators += 1
        if len(self._levels) > MAX_BRACKETS:
            raise _Stop("too_nested", token.line, f"brackets nest deeper than {MAX_BRACKETS}")
        self._levels.append(_Level(token.text, token.line))

    def _close(self, token: Token) -> None:
        level = self._levels[-1]
        if level.bracket != _CLOSING[token.text]:
            raise _Stop("brackets", token.line, f"the bracket {token.text!r} closes none that is open")
        self._levels.pop()
        outer = self._levels[-1]
        outer.inner = max(outer.inner, level.depth() + 1)
        if not outer.after_operand:
            self._count_operand(outer, token)
        outer.after_operand = True

    def _count(self, level: _Level, token: Token) -> None:
        if token.text in _STATEMENT_WORDS:
            level.after_operand = False
            return
        if token.kind == "operator" or token.text in _OPERATOR_WORDS:
            level.operators += 1
            level.after_operand = False
            return
        if token.kind == "name":
            self._check_name(token)
        self._count_operand(level, token)
        level.after_operand = True

    def _count_operand(self, level: _Level, token: Token) -> None:
        level.operands += 1
        if level.operands == MAX_OPERANDS + 1:
            self.report("too_many_operands", token.line, f"more than {MAX_OPERANDS} operands; split the expression")

    def _check_name(self, token: Token) -> None:
        if token.text.startswith("_"):
            self.report("underscore", token.line, f"{token.text!r}: no name of a bundle begins with an underscore")
        elif len(token.text) > MAX_NAME:
            self.report("too_long", token.line, f"a name of {len(token.text)} characters; at most {MAX_NAME}")
