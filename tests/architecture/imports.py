"""What modules import, read from their source (imports inside functions included)."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules(package: str) -> dict[str, Path]:
    """All modules under `package` by dotted name."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imported_by(path: Path) -> frozenset[str]:
    """Dotted names that the file imports, `from a import b` as both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            assert node.module is not None
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def closure(start: str) -> set[str]:
    """Modules of `components` that importing and running the package `start` can load, itself included."""
    known = modules("components")
    todo = [name for name in known if name == start or name.startswith(f"{start}.")]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        todo += [other for other in imported_by(known[name]) if other in known]
    return seen


def room(module: str) -> str:
    """The path under which dvc.yaml would name `module`: its package of `components`, or its file there."""
    path = "/".join(module.split(".")[:2])
    return f"{path}.py" if (ROOT / f"{path}.py").is_file() else path
