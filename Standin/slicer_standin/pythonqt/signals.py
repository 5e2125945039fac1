"""`connect` and `disconnect` as PythonQt has them: exact signatures, fewer arguments for a callable that takes fewer.

Mirrors PythonQt's `PythonQtStdDecorators.cpp` (connect, disconnect), `PythonQtSignalReceiver.cpp` (which arguments a
callable is given) and `PythonQtSignal.cpp` (`widget.signal.connect`). Where PythonQt prints that a signal does not
exist and goes on, this raises.

A stand-in class names its C++ signals in `SIGNALS`, exactly as its header does; the PySide6 signal of the same name
carries Python objects, which is what the MRML types are on this side.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import shiboken6
from PySide6 import QtCore

from .failures import record_failure

_SIGNATURE = re.compile(r"^\s*(\w+)\s*\(.*\)\s*$")


@dataclass(frozen=True)
class _Connection:
    signature: str
    callback: Callable[..., Any]
    relay: Callable[..., None]


_qt_connect = QtCore.QObject.connect
_qt_disconnect = QtCore.QObject.disconnect

# By the address of the sender: its Python wrapper may come and go.
_connections: dict[int, list[_Connection]] = {}


def _normalized(signature: str) -> str:
    return bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()


def _signatures(sender: QtCore.QObject, name: str) -> list[str]:
    """All signatures of a signal: those of the header for a stand-in class, else those of Qt."""
    declared = [s for cls in type(sender).__mro__ for s in vars(cls).get("SIGNALS", ()) if s.split("(")[0] == name]
    if declared:
        return declared
    meta = sender.metaObject()
    methods = (meta.method(i) for i in range(meta.methodCount()))
    return [
        bytes(m.methodSignature().data()).decode()
        for m in methods
        if m.methodType() == QtCore.QMetaMethod.MethodType.Signal and bytes(m.name().data()).decode() == name
    ]


def _resolve(sender: QtCore.QObject, signature: str) -> str:
    """The normalized signature. Raises ValueError where the sender has no such signal."""
    match = _SIGNATURE.match(signature)
    wanted = _normalized(signature)
    known = _signatures(sender, match.group(1)) if match else []
    if wanted not in known:
        has = f"it has {', '.join(known)}" if known else "it has no signal of that name"
        raise ValueError(f"signal '{signature}' does not exist on {type(sender).__name__}: {has}")
    return wanted


def _is_declared(sender: QtCore.QObject, signature: str) -> bool:
    return any(signature in vars(cls).get("SIGNALS", ()) for cls in type(sender).__mro__)


def _attach(sender: QtCore.QObject, signature: str, relay: Callable[..., None], attach: bool) -> None:
    if _is_declared(sender, signature):
        signal = getattr(sender, signature.split("(")[0])
        (signal.connect if attach else signal.disconnect)(relay)
    else:  # by string: PySide6 can't choose among overloads with and without arguments
        (_qt_connect if attach else _qt_disconnect)(sender, QtCore.SIGNAL(signature), relay)


def _argument_count(callback: Callable[..., Any]) -> int | None:
    """How many arguments PythonQt gives: all that a function names, everything to any other callable."""
    function = callback.__func__ if inspect.ismethod(callback) else callback
    if not inspect.isfunction(function) or function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - (1 if inspect.ismethod(callback) else 0)


def _relay(callback: Callable[..., Any], signature: str) -> Callable[..., None]:
    types = [t for t in signature[signature.index("(") + 1 : -1].split(",") if t]
    count = _argument_count(callback)
    limit = len(types) if count is None else min(len(types), count)

    def relay(*args: Any) -> None:
        given = [bool(a) if t == "bool" else a for a, t in zip(args, types, strict=False)]
        try:
            callback(*given[:limit])
        except Exception as error:  # noqa: BLE001 - Qt must not see it; the test that ran into it must fail
            record_failure(f"in a handler of {signature}", error)

    return relay


def connect_callable(sender: QtCore.QObject, signature: str, callback: Callable[..., Any]) -> bool:
    """`sender.connect("clicked(bool)", f)`."""
    if not callable(callback):
        raise ValueError(f"connect('{signature}'): {callback!r} is not callable")
    wanted = _resolve(sender, signature)
    relay = _relay(callback, wanted)
    _attach(sender, wanted, relay, True)
    address = shiboken6.getCppPointer(sender)[0]
    if address not in _connections:
        _connections[address] = []
        _qt_connect(sender, QtCore.SIGNAL("destroyed()"), lambda: _connections.pop(address, None))
    _connections[address].append(_Connection(wanted, callback, relay))
    return True


def disconnect_callable(sender: QtCore.QObject, signature: str, callback: Callable[..., Any] | None = None) -> bool:
    """`sender.disconnect("clicked(bool)", f)`; without `f` every callable of that signal. False where none was."""
    wanted = _resolve(sender, signature)
    mine = _connections.get(shiboken6.getCppPointer(sender)[0], [])
    found = [c for c in mine if c.signature == wanted and (callback is None or c.callback == callback)]
    for connection in found[: None if callback is None else 1]:
        _attach(sender, wanted, connection.relay, False)
        mine.remove(connection)
    return bool(found)


def connections(sender: QtCore.QObject) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Signature and callable of everything connected by string, for tests that look for what was left behind."""
    yield from ((c.signature, c.callback) for c in _connections.get(shiboken6.getCppPointer(sender)[0], []))


def connect_slot(
    sender: QtCore.QObject, signature: str, receiver: QtCore.QObject, slot: str, *_connection_type: Any
) -> bool:
    """`sender.connect("a()", receiver, "b()")`. Raises ValueError where the receiver has no such slot."""
    name = slot.lstrip("0123456789").split("(")[0]
    method = getattr(receiver, name, None)
    if isinstance(getattr(type(receiver), name, None), QtCore.Property) or method is None:
        raise ValueError(f"slot '{slot}' does not exist on {type(receiver).__name__}")
    if not callable(method):  # a property hides the method: QWidget.enabled has setEnabled, but e.g. `hide` is callable
        raise ValueError(f"'{slot}' of {type(receiver).__name__} is a property, not a slot")
    return connect_callable(sender, signature, method)


def _with_connect(inherited: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def get_attribute(self: QtCore.QObject, name: str) -> Any:
        if name not in ("connect", "disconnect"):
            return inherited(self, name)

        def call(signal: Any, *rest: Any) -> bool:
            if isinstance(signal, QtCore.QObject):  # Qt's static connect(sender, ...), as singleShot calls it
                return (_qt_connect if name == "connect" else _qt_disconnect)(signal, *rest)
            if not isinstance(signal, str) or signal[:1] in "012":  # PySide6 itself, for `signal.connect(f)`
                return (_qt_connect if name == "connect" else _qt_disconnect)(self, signal, *rest)
            if name == "disconnect":
                return disconnect_callable(self, signal, *rest)
            if len(rest) == 1:
                return connect_callable(self, signal, *rest)
            return connect_slot(self, signal, *rest)

        return call

    return get_attribute


def install(classes: list[type]) -> None:
    """Give every QObject PythonQt's `connect` and `disconnect`; PySide6 answers them before the class is asked."""
    for cls in classes:
        if "__getattribute__" in vars(cls) and issubclass(cls, QtCore.QObject):  # some classes have their own
            setattr(cls, "__getattribute__", _with_connect(vars(cls)["__getattribute__"]))  # noqa: B010
