"""What runs the networks: OpenVINO, ONNX Runtime or PyTorch, whichever is installed, behind one Protocol."""

from .choose import find_runtime
from .protocol import Network, Runtime, StoredNetworks
from .shape import NetworkShape

__all__ = ["Network", "NetworkShape", "Runtime", "StoredNetworks", "find_runtime"]
