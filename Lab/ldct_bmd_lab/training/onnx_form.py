"""The networks as an ONNX graph, which OpenVINO and ONNX Runtime run.

It is written by hand from the networks' shapes, so that its weights keep the names and the precision of the
safetensors file, and the same file comes out of the same weights.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ldct_bmd.segmentation.runtime import NetworkShape
from ldct_bmd.segmentation.weights import GRAPH_SHA256, TRAINED_SHA256

# The oldest that hold all that is needed; every version of the runtimes that is asked for reads them.
OPSET, IR_VERSION = 17, 8
_EPSILON = 1e-5  # torch.nn.InstanceNorm3d
_Feature = tuple[str, int]  # its name in the graph, and its channels


def onnx_bytes(
    shapes: Mapping[str, NetworkShape],
    tensors: Mapping[str, NDArray[np.floating]],
    metadata: Mapping[str, str],
    trained_sha256: str,
) -> bytes:
    """Return the ONNX file of networks: for each of them an input NAME and an output NAME.logits.

    Args:
        tensors: the weights by name, which begins with the network's and a dot.
        metadata: of the safetensors file.
        trained_sha256: of the safetensors file.
    """
    networks = [_Graph(name, shape, tensors) for name, shape in shapes.items()]
    graph = helper.make_graph(
        [node for network in networks for node in network.nodes],
        "vertebrae",
        [network.value(network.name, 1) for network in networks],
        [network.value(f"{network.name}.logits", network.shape.classes) for network in networks],
        [tensor for network in networks for tensor in network.initializers],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="ldct-bmd"
    )
    onnx.checker.check_model(model)
    own = {TRAINED_SHA256: trained_sha256, GRAPH_SHA256: hashlib.sha256(model.graph.SerializeToString()).hexdigest()}
    helper.set_model_props(model, {**metadata, **own})
    content: bytes = model.SerializeToString(deterministic=True)
    return content


class _Graph:
    """The nodes and the weights of one network; see :class:`ldct_bmd.segmentation.runtime.dense_unet.DenseUNet`."""

    def __init__(self, name: str, shape: NetworkShape, tensors: Mapping[str, NDArray[np.floating]]) -> None:
        self.name, self.shape = name, shape
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._tensors = tensors
        x: _Feature = (name, 1)
        skips: list[_Feature] = []
        for level, layers in enumerate(shape.layers):
            if level:
                x = self._op("MaxPool", [x[0]], kernel_shape=[2] * 3, strides=[2] * 3), x[1]
            x = self._block([x], f"encoder.{level}", layers)
            skips.append(x)
        skips.pop()
        for level, layers in enumerate(shape.layers[-2::-1]):
            weights = self._weights(f"upsample.{level}", "weight", "bias")
            up = self._op("ConvTranspose", [x[0], *weights], kernel_shape=[2] * 3, strides=[2] * 3)
            x = self._block([(up, skips[-1][1]), skips.pop()], f"decoder.{level}", layers)
        head = self._weights("head", "weight", "bias")
        self.nodes.append(helper.make_node("Conv", [x[0], *head], [f"{name}.logits"], kernel_shape=[1] * 3))

    def value(self, name: str, channels: int) -> onnx.ValueInfoProto:
        """Describe an input or an output, whose size along z, y and x is free."""
        size: list[str | int | None] = [1, channels, *(f"{self.name}.{axis}" for axis in "zyx")]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, size)

    def _block(self, features: Sequence[_Feature], name: str, layers: int) -> _Feature:
        features = list(features)
        names = [f"{name}.layers.{number}" for number in range(layers)]
        for first in range(0, layers, 2):
            features.append(self._layers(features, names[first : first + 2], 3))
        return self._layers(features, [f"{name}.reduce"], 1)

    def _layers(self, features: Sequence[_Feature], names: Sequence[str], size: int) -> _Feature:
        """Return one layer, or two that follow one another: convolutions of features, normalised and cut off at 0.

        A layer is written as the sum of a convolution of each feature, which both runtimes do in place: joining them
        first copies all of them, over and over. Two layers of eight channels see the same features, but for the first
        itself, and share their convolutions, since registers hold sixteen numbers. What the second sees of the first
        is added once that is there; normalised again, the first stays as it is.
        """
        outputs = len(self._tensors[f"{self.name}.{names[0]}.0.weight"])
        seen = [channels for _, channels in features]
        parts = [self._split(name, [*seen, *[outputs] * number]) for number, name in enumerate(names)]
        of_both = [self._joined(both) for both in zip(*(part[: len(seen)] for part in parts), strict=True)]
        scales = [self._weights(f"{name}.1", "weight", "bias") for name in names]
        scale = [self._joined(both) for both in zip(*scales, strict=True)]
        found = ""
        for (feature, _), part in zip(features, of_both, strict=True):
            found = self._added(found, feature, part, size)
        out = self._normalised(found, scale)
        if len(names) > 1:
            before = self._op("Constant", [], value_ints=[outputs, 0, 0, 0, 0, 0, outputs, 0, 0, 0])
            of_first = self._op("Pad", [parts[1][-1], before])  # zeros: to the first layer, and of the second
            out = self._normalised(self._added(found, out, of_first, size), scale)
        return out, outputs * len(names)

    def _added(self, found: str, feature: str, weight: str, size: int) -> str:
        one = self._op("Conv", [feature, weight], kernel_shape=[size] * 3, pads=[size // 2] * 6)
        return self._op("Add", [found, one]) if found else one

    def _normalised(self, found: str, scale: Sequence[str]) -> str:
        return self._op("Relu", [self._op("InstanceNormalization", [found, *scale], epsilon=_EPSILON)])

    def _joined(self, weights: Sequence[str]) -> str:
        return weights[0] if len(weights) == 1 else self._op("Concat", weights, axis=0)

    def _split(self, layer: str, channels: Sequence[int]) -> list[str]:
        """Return the parts of a layer's convolution that belong to the features, in their order."""
        (weight,) = self._weights(f"{layer}.0", "weight")
        if len(channels) == 1:
            return [weight]
        # A constant, not an initializer: those are the weights and nothing else.
        sizes = self._op("Constant", [], value_ints=list(channels))
        parts = [f"{weight}.{number}" for number in range(len(channels))]
        self.nodes.append(helper.make_node("Split", [weight, sizes], parts, axis=1))
        return parts

    def _weights(self, layer: str, *names: str) -> list[str]:
        return [self._weight(f"{self.name}.{layer}.{name}") for name in names]

    def _weight(self, name: str) -> str:
        values = self._tensors[name]
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name if values.dtype == np.float32 else self._op("Cast", [name], to=TensorProto.FLOAT)

    def _op(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        output = f"{self.name}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output
