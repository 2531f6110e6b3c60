"""A list that never grows beyond a bound, for what is kept along a training of unknown length."""

from typing import Generic, TypeVar

Item = TypeVar("Item")


class Thinned(Generic[Item]):
    """Keeps each k-th item, and the newest; k doubles when they are too many, which drops every second one.

    Attributes:
        items: The items that are kept, oldest first.
    """

    def __init__(self, bound: int) -> None:
        """Begins empty.

        Args:
            bound: Items at most, at least 2.
        """
        self.items = list[Item]()
        self._bound, self._stride, self._count = bound, 1, 0

    def add(self, item: Item) -> list[Item]:
        """Adds an item.

        Args:
            item: The item.

        Returns:
            The items that are dropped for it.
        """
        # The last one stays only if it is one of each `stride`.
        dropped = [self.items.pop()] if self.items and (self._count - 1) % self._stride else []
        self.items.append(item)
        self._count += 1
        # What took the last one's place makes the list no longer.
        if dropped or len(self.items) <= self._bound:
            return dropped
        self._stride *= 2
        # The newest may be the last of those at odd places.
        dropped = self.items[1:-1:2]
        self.items = [*self.items[:-1:2], item]
        return dropped
