"""What an ONNX file holds beside its graph, and its weights, read without the ONNX library.

An ONNX file is one Protocol Buffers message: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto and
https://protobuf.dev/programming-guides/encoding/. The numbers below are those of its fields.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GRAPH, _METADATA = 7, 14  # of ModelProto
_KEY, _VALUE = 1, 2  # of StringStringEntryProto
_INITIALIZER = 5  # of GraphProto
_DIMS, _TYPE, _NAME, _RAW = 1, 2, 8, 9  # of TensorProto
_DTYPES = {1: "<f4", 10: "<f2"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class GraphFile:
    """Parts of an ONNX file.

    Attributes:
        graph: the bytes of the graph, its weights among them.
    """

    metadata: dict[str, str]
    graph: bytes

    @property
    def tensors(self) -> dict[str, NDArray[np.floating]]:
        """The graph's weights by name; ValueError or KeyError if they are not floating-point numbers in place."""
        return dict(_tensor(value) for number, value in _fields(self.graph) if number == _INITIALIZER)


def read_graph(content: bytes) -> GraphFile:
    """Return the parts of an ONNX file; ValueError or KeyError if it is none."""
    metadata: dict[str, str] = {}
    graph = b""
    for number, value in _fields(content):
        if number == _GRAPH:
            graph = value
        elif number == _METADATA:
            entry = dict(_fields(value))
            metadata[entry[_KEY].decode("utf-8")] = entry[_VALUE].decode("utf-8")
    return GraphFile(metadata, graph)


def _tensor(content: bytes) -> tuple[str, NDArray[np.floating]]:
    shape: list[int] = []
    parts: dict[int, bytes] = {}
    for number, value in _fields(content):
        if number == _DIMS:
            at = 0
            while at < len(value):
                size, at = _varint(value, at)
                shape.append(size)
        else:
            parts[number] = value
    kind, _ = _varint(parts[_TYPE], 0)
    return parts[_NAME].decode("utf-8"), np.frombuffer(parts[_RAW], dtype=_DTYPES[kind]).reshape(shape)


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each field of a message; ValueError if it is none."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        start, kind = at, key & 7
        if kind == _VARINT:
            _, end = _varint(content, at)
        elif kind == _BYTES:
            length, start = _varint(content, at)
            end = start + length
        elif kind in (_FIXED64, _FIXED32):
            end = at + (8 if kind == _FIXED64 else 4)
        else:
            raise ValueError(f"no field of a message has the kind {kind}")
        if end > len(content):
            raise ValueError("a field ends beyond the message")
        yield key >> 3, content[start:end]
        at = end


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return the whole number at a place, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            break
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number ends beyond the message")
