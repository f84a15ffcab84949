"""Lists of layers: taking from them and adding to them."""

from __future__ import annotations

from tillwise_analytics.stock.state import Layer


def put(layers: list[Layer], new: Layer) -> None:
    """Add units to layers that are kept oldest first; to the layer that they are of, where it is there."""
    for place in range(len(layers) - 1, -1, -1):
        held = layers[place]
        if held.serial == new.serial:
            held.quantity += new.quantity
            return
        if (held.at, held.serial) < (new.at, new.serial):
            layers.insert(place + 1, new)
            return
    layers.insert(0, new)


def push(layers: list[Layer], new: Layer) -> None:
    """Add units at the end; to the last layer, where they are of it."""
    if layers and layers[-1].serial == new.serial:
        layers[-1].quantity += new.quantity
    else:
        layers.append(new)


def take_some(layers: list[Layer], quantity: int, *, last: bool = False) -> Layer:
    """Take up to so many units of the first layer (or the last one) away."""
    end = -1 if last else 0
    layer = layers[end]
    if layer.quantity <= quantity:
        return layers.pop(end)
    layer.quantity -= quantity
    return layer.part(quantity)


def take(layers: list[Layer], quantity: int, *, last: bool = False) -> list[Layer]:
    """Take up to so many units away, from the first layer on (or from the last one back)."""
    taken = []
    while quantity and layers:
        taken.append(take_some(layers, quantity, last=last))
        quantity -= taken[-1].quantity
    return taken


def units(layers: list[Layer]) -> int:
    """How many units they are."""
    return sum(layer.quantity for layer in layers)


def by_age(layers: list[Layer]) -> list[Layer]:
    """Oldest first."""
    return sorted(layers, key=lambda layer: (layer.at, layer.serial))


def share(value: int, part: int, whole: int) -> int:
    """value * part / whole, rounded half to even."""
    quotient, rest = divmod(value * part, whole)
    return quotient + (2 * rest > whole or (2 * rest == whole and quotient % 2 == 1))
