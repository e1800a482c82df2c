"""Functions that are stood in for while somebody watches, and are put back when nobody needs it any more.

Only :mod:`genviz.capture.hooks` installs and takes away, under its lock.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

#: What stands in at present, by owner and name.
STANDING: dict[tuple[int, str], "_Standing"] = {}


@dataclass(frozen=True)
class StandIn:
    """A function to put in place of ``owner.name`` while somebody watches.

    Parameters
    ----------
    owner : object
        Module or class.
    name : str
    build : callable
        Gets the original and returns what stands in for it. It must call the original and return its result
        unchanged (always when :func:`watchers` is empty; ``part_by_part`` alone answers otherwise).
    """

    owner: Any
    name: str
    build: Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass
class _Standing:
    owner: Any
    name: str
    inherited: bool  # the owner got the name from a base class: taking away means deleting
    original: Any
    replacement: Any = None
    users: set[int] = field(default_factory=set)  # numbers of those who need it


def original(owner: Any, name: str) -> Any:
    """``owner.name`` as it is when nobody watches."""
    standing = STANDING.get((id(owner), name))
    return getattr(owner, name) if standing is None else standing.original


def install(stand_in: StandIn, number: int) -> None:
    """Put a function in place for the watcher of a number, or let it share the one that is there."""
    key = (id(stand_in.owner), stand_in.name)
    if key not in STANDING:
        original = getattr(stand_in.owner, stand_in.name)
        inherited = stand_in.name not in vars(stand_in.owner)
        standing = _Standing(stand_in.owner, stand_in.name, inherited, original)
        standing.replacement = _while_standing(standing, stand_in.build(original))
        STANDING[key] = standing
        setattr(stand_in.owner, stand_in.name, standing.replacement)
    STANDING[key].users.add(number)


def _while_standing(standing: _Standing, built: Callable[..., Any]) -> Callable[..., Any]:
    """Somebody may wrap what stands in and leave that in place: later captures must not see calls twice."""
    original, users = standing.original, standing.users

    @functools.wraps(original)
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        return (built if users else original)(*args, **kwargs)

    return stand_in


def _uninstall(key: tuple[int, str]) -> None:
    standing = STANDING[key]
    if vars(standing.owner).get(standing.name) is not standing.replacement:
        pass  # somebody wrapped ours since: theirs stays, and ours below it only passes calls on
    elif standing.inherited:
        delattr(standing.owner, standing.name)
    else:
        setattr(standing.owner, standing.name, standing.original)
    del STANDING[key]


def keep(users: Iterable[int]) -> None:
    """Take away what none of these numbers needs; a second call completes one that was interrupted."""
    for key in reversed(list(STANDING)):
        STANDING[key].users.intersection_update(users)
        if not STANDING[key].users:
            _uninstall(key)
