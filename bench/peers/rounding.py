"""How far float32 alone takes a network's input gradient from float64's: python bench/peers/rounding.py model.onnx

PyTorch beside itself, on noise of several strengths; the largest difference over the largest gradient. Where two values of a
max-pool's window, or a ReLU's input and zero, are a rounding apart, two right engines take different ways.
Needs the packages onnx and torch.
"""
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


def gradient(graph, picture, dtype):
    """Of the first logit; and the signs of every ReLU, and which value every max-pool took."""
    values = {t.name: torch.tensor(numpy_helper.to_array(t)).to(dtype) for t in graph.initializer}
    x = picture.to(dtype).clone().requires_grad_()
    done = {graph.input[0].name: x}
    ways = []
    for node in graph.node:
        a = {t.name: onnx.helper.get_attribute_value(t) for t in node.attribute}
        x0 = done[node.input[0]]
        rest = [values.get(n) for n in node.input[1:]]
        if node.op_type == "Conv":
            y = F.conv2d(x0, rest[0], rest[1] if len(rest) > 1 else None, a["strides"], a.get("pads", [0])[0])
        elif node.op_type == "BatchNormalization":
            gamma, beta, mean, variance = rest
            y = F.batch_norm(x0, mean, variance, gamma, beta, eps=a.get("epsilon", 1e-5))
        elif node.op_type == "Relu":
            y = F.relu(x0)
            ways.append(y.detach() > 0)
        elif node.op_type == "Add":
            y = x0 + done[node.input[1]]
        elif node.op_type == "MaxPool":
            pad, ceil = a.get("pads", [0])[0], bool(a.get("ceil_mode", 0))
            y, at = F.max_pool2d(x0, a["kernel_shape"], a["strides"], pad, ceil_mode=ceil, return_indices=True)
            ways.append(torch.where(y > 0, at, -1))
        elif node.op_type == "GlobalAveragePool":
            y = x0.mean((2, 3), keepdim=True)
        elif node.op_type == "Flatten":
            y = x0.flatten(1)
        elif node.op_type == "Gemm":
            y = x0 @ rest[0].T + rest[1]
        else:
            raise SystemExit(f"no way to build {node.op_type}")
        done[node.output[0]] = y
    done[graph.output[0].name][:, 0].sum().backward()
    return x.grad.double().numpy(), ways


def main(file):
    graph = onnx.load(file).graph
    side = graph.input[0].type.tensor_type.shape.dim[2].dim_value
    for spread in (1, 64):
        for seed in range(4):
            picture = spread * torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))
            (g32, ways32), (g64, ways64) = (gradient(graph, picture, t) for t in (torch.float32, torch.float64))
            differ = sum(int((a != b).sum()) for a, b in zip(ways32, ways64))
            error = np.abs(g32 - g64)
            print(f"noise of {spread}: {error.max() / np.abs(g64).max():.1e} at most, {np.linalg.norm(g32 - g64) / np.linalg.norm(g64):.1e} of the norm; {differ} ways differ")


if __name__ == "__main__":
    main(sys.argv[1])
