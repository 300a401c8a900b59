"""Labels that stand for other labels."""

from collections.abc import Mapping

from dinamed.formats.findings import Findings
from dinamed.formats.labels import Label


def check_aliases(labels: Mapping[bytes, Label], findings: Findings) -> None:
    """Report aliases that lead in a loop, and warn of those that lead nowhere."""
    done: set[bytes] = set()
    known = _heads(labels)
    for start in labels:
        way: dict[bytes, None] = {}
        key: bytes | None = start
        while key is not None and key not in done:
            way[key] = None
            label = labels.get(key)
            target = None if label is None else label.alias
            if label is not None and target is not None:
                if target in way:
                    _loop(label, list(way), labels, findings)
                    break
                if target not in known:
                    findings.warning(
                        label.file,
                        label.line,
                        f'"{label.text}" alias',
                        "there is no such label",
                    )
            key = target
        done.update(way)


def _heads(labels: Mapping[bytes, Label]) -> set[bytes]:
    """All labels, and what stands before targets: `www` too for `www.europe`."""
    heads = set(labels)
    for key in labels:
        position = 0
        while position < len(key):
            heads.add(key[:position])
            position += 1 + key[position]
    return heads


def _loop(
    label: Label, way: list[bytes], labels: Mapping[bytes, Label], findings: Findings
) -> None:
    assert label.alias is not None
    names = [labels[key].text for key in way[way.index(label.alias) :]]
    shown = " -> ".join(f'"{name}"' for name in [*names, names[0]])
    findings.problem(
        label.file, label.line, f'"{label.text}" alias', f"a loop of aliases: {shown}"
    )
