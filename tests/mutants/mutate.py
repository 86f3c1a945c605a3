"""What one could do to a module without its tests noticing: each change alone, as text.

Five kinds of change:

refusal
    a ``raise`` is taken out.
condition
    one of the conditions of an ``if`` that raises is taken out.
call
    a call whose result nobody uses is taken out: checks are often such calls.
comparison
    ``<`` becomes ``<=``, ``==`` becomes ``!=``, ``in`` becomes ``not in``, ``and`` becomes ``or``, and a
    ``not`` goes.
constant
    a whole or decimal number is greater by one.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

KINDS = ("refusal", "condition", "call", "comparison", "constant")
_TURNED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_WINDOW = 70  # characters of the statement that are kept on each side of the change


@dataclass(frozen=True)
class Mutant:
    """One change. ``function`` and the two texts name it whatever its line number is.

    ``which`` counts changes that read alike in one function, from 1.
    """

    module: str
    function: str
    kind: str
    source: str
    becomes: str
    which: int = 1

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        return (self.module, self.function, self.kind, self.source, self.becomes, self.which)


@dataclass(frozen=True)
class _Place:
    """Where a change is made: the statement around it for the reader, and how to do and undo it."""

    function: str
    kind: str
    statement: ast.stmt
    do: Callable[[], None]
    undo: Callable[[], None]


def mutants(module: str, source: str) -> Iterator[tuple[Mutant, str]]:
    """Every change of a module, and the module's whole text with it."""
    tree = ast.parse(source)
    seen: Counter[tuple[str, str, str, str]] = Counter()
    for place in _statements(tree.body, "", in_function=False):
        before = _shown(place.statement)
        place.do()
        after, text = _shown(place.statement), ast.unparse(tree)
        place.undo()
        if after == before:
            after = "pass"
        was, becomes = _windows(before, after)
        seen[place.function, place.kind, was, becomes] += 1
        number = seen[place.function, place.kind, was, becomes]
        yield Mutant(module, place.function, place.kind, was, becomes, number), text


def _statements(body: list[ast.stmt], function: str, *, in_function: bool) -> Iterator[_Place]:
    for index, statement in enumerate(body):
        if isinstance(statement, Definition):
            inner = f"{function}.{statement.name}" if function else statement.name
            yield from _signature(statement, inner)
            is_class = isinstance(statement, ast.ClassDef)
            yield from _statements(statement.body, inner, in_function=not is_class)
            continue
        if _is_for_type_checkers(statement):
            continue
        if isinstance(statement, ast.Raise):
            yield _taken_out(body, index, function, "refusal")
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield _taken_out(body, index, function, "call")
        if isinstance(statement, ast.If) and any(isinstance(one, ast.Raise) for one in statement.body):
            yield from _conditions(statement.test, statement, function)
        if in_function and isinstance(statement, ast.AnnAssign):  # its annotation decides nothing
            yield from _replace_children(statement, "value", statement, function)
        else:
            yield from _expressions(statement, function)
        for held in _bodies(statement):
            yield from _statements(held, function, in_function=in_function)


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _is_for_type_checkers(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
    )


def _signature(node: Definition, function: str) -> Iterator[_Place]:
    """Decorators and default values; annotations of arguments and results decide nothing."""
    for name in ("decorator_list", "bases", "keywords"):
        if hasattr(node, name):
            yield from _replace_children(node, name, node, function)
    if not isinstance(node, ast.ClassDef):
        for name in ("defaults", "kw_defaults"):
            yield from _replace_children(node.args, name, node, function)


def _taken_out(body: list[ast.stmt], index: int, function: str, kind: str) -> _Place:
    statement = body[index]
    return _Place(
        function,
        kind,
        statement,
        lambda: body.__setitem__(index, ast.Pass()),
        lambda: body.__setitem__(index, statement),
    )


def _conditions(test: ast.expr, statement: ast.stmt, function: str) -> Iterator[_Place]:
    """Each condition of a refusal left out, one at a time."""
    for node in ast.walk(test):
        if isinstance(node, ast.BoolOp):
            whole = node.values
            for index in range(len(whole)):
                fewer = whole[:index] + whole[index + 1 :]
                yield _Place(
                    function,
                    "condition",
                    statement,
                    lambda node=node, fewer=fewer: setattr(node, "values", fewer),
                    lambda node=node, whole=whole: setattr(node, "values", whole),
                )


def _expressions(statement: ast.stmt, function: str) -> Iterator[_Place]:
    """Changes in a statement's own expressions, without the statements that it holds."""
    for name, value in ast.iter_fields(statement):
        if name in ("handlers", "cases"):
            for part in value:
                for inner in ("type", "pattern", "guard"):
                    if hasattr(part, inner):
                        yield from _replace_children(part, inner, statement, function)
        elif name not in ("body", "orelse", "finalbody"):
            yield from _replace_children(statement, name, statement, function)


def _replace_children(owner: ast.AST, name: str, shown: ast.stmt, function: str) -> Iterator[_Place]:
    value = getattr(owner, name)
    if isinstance(value, list):
        for index, one in enumerate(value):
            if isinstance(one, ast.AST):
                yield from _changes_of(value, index, one, shown, function)
    elif isinstance(value, ast.AST):
        yield from _changes_of(owner, name, value, shown, function)


def _within(node: ast.AST, shown: ast.stmt, function: str) -> Iterator[_Place]:
    for name, _ in ast.iter_fields(node):
        yield from _replace_children(node, name, shown, function)


def _changes_of(
    owner: ast.AST | list[ast.AST], where: str | int, node: ast.AST, shown: ast.stmt, function: str
) -> Iterator[_Place]:
    if _is_number(node):
        yield _exchanged(owner, where, _greater(node), shown, function, "constant")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _exchanged(owner, where, node.operand, shown, function, "comparison")
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            yield _exchanged(node.ops, index, _TURNED[type(op)](), shown, function, "comparison")
    if isinstance(node, ast.BoolOp):
        yield _exchanged(node, "op", _TURNED[type(node.op)](), shown, function, "comparison")
    if isinstance(node, ast.JoinedStr):  # the text of a message decides nothing, the numbers in it are read
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _replace_children(part, "value", shown, function)
        return
    yield from _within(node, shown, function)


def _exchanged(
    owner: ast.AST | list[ast.AST], where: str | int, new: ast.AST, shown: ast.stmt, function: str, kind: str
) -> _Place:
    if isinstance(owner, list):
        assert isinstance(where, int)
        old = owner[where]
        return _Place(
            function, kind, shown,
            lambda: owner.__setitem__(where, new),
            lambda: owner.__setitem__(where, old),
        )  # fmt: skip
    assert isinstance(where, str)
    old = getattr(owner, where)
    return _Place(
        function, kind, shown, lambda: setattr(owner, where, new), lambda: setattr(owner, where, old)
    )


def _is_number(node: object) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _greater(node: ast.AST) -> ast.Constant:
    assert isinstance(node, ast.Constant)
    return ast.Constant(node.value + 1)  # type: ignore[operator]


def _shown(statement: ast.stmt) -> str:
    """A statement in one line; of one that holds others, its head."""
    if isinstance(statement, ast.Try):
        return "except " + ", ".join(ast.unparse(one.type) for one in statement.handlers if one.type)
    if isinstance(statement, ast.Match):
        cases = [ast.match_case(one.pattern, one.guard, [ast.Pass()]) for one in statement.cases]
        return " ".join(ast.unparse(ast.Match(statement.subject, cases)).split())
    held = {name: getattr(statement, name) for name in ("body", "orelse") if hasattr(statement, name)}
    for name in held:
        setattr(statement, name, [ast.Pass()] if name == "body" else [])
    text = ast.unparse(statement).removesuffix("pass")
    for name, value in held.items():
        setattr(statement, name, value)
    return " ".join(text.split())


def _windows(before: str, after: str) -> tuple[str, str]:
    """Both texts, cut to what surrounds their difference where they are long."""
    if after == "pass":
        return (before if len(before) <= 2 * _WINDOW else before[: 2 * _WINDOW] + " ..."), after
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    first = max(0, start - _WINDOW)

    def cut(text: str) -> str:
        last = min(len(text), len(text) - end + _WINDOW)
        return ("... " if first else "") + text[first:last] + (" ..." if last < len(text) else "")

    return cut(before), cut(after)
