"""A set of texts in 8 to 16 bytes each, for files with more orders than a Python set has room for."""

from __future__ import annotations

from array import array
from hashlib import blake2b


class Seen:
    """Texts that occurred, by 64 bits of their hash: two of ten million collide once in 300,000 files."""

    def __init__(self) -> None:
        self._count = 0
        self._mask = (1 << 12) - 1
        self._slots = array("Q", bytes(8 << 12))

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> bool:
        """Remember a text; True when it is new."""
        # Never 0, which marks a free slot.
        key = int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) or 1
        if not self._put(key):
            return False
        self._count += 1
        if self._count * 5 > (self._mask + 1) * 3:
            self._grow()
        return True

    def _put(self, key: int) -> bool:
        slots, mask = self._slots, self._mask
        place = key & mask
        while found := slots[place]:
            if found == key:
                return False
            place = (place + 1) & mask
        slots[place] = key
        return True

    def _grow(self) -> None:
        former = self._slots
        self._mask = self._mask * 2 + 1
        self._slots = array("Q", bytes(8 * (self._mask + 1)))
        for key in former:
            if key:
                self._put(key)
