"""A .tflite of a ResNet's ONNX file, for LiteRT.js: python bench/peers/tflite.py model.onnx model.tflite

Needs the packages onnx and tensorflow-cpu. The same layers channels last, on pictures [1, side, side, 3]; frozen BatchNorm
folded into the convolutions, as LiteRT's own converters do.
"""
import sys

import numpy as np
import onnx
import tensorflow as tf
from onnx import numpy_helper


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def main(source, target):
    graph = onnx.load(source).graph
    values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    shape = graph.input[0].type.tensor_type.shape.dim
    side = shape[2].dim_value

    def pad(x, p, over=0):
        return tf.pad(x, [[0, 0], [p, p + over], [p, p + over], [0, 0]]) if p or over else x

    @tf.function(input_signature=[tf.TensorSpec([1, side, side, 3], tf.float32)])
    def network(x):
        done = {graph.input[0].name: x}
        for node in graph.node:
            a = attributes(node)
            x = done[node.input[0]]
            if node.op_type == "Conv":
                w = values[node.input[1]].astype(np.float64)
                bias = np.zeros(w.shape[0])
                (norm,) = readers[node.output[0]]
                assert norm.op_type == "BatchNormalization"
                gamma, beta, mean, variance = (values[n].astype(np.float64) for n in norm.input[1:])
                scale = gamma / np.sqrt(variance + attributes(norm).get("epsilon", 1e-5))
                w, bias = w * scale[:, None, None, None], beta - mean * scale
                filters = w.transpose(2, 3, 1, 0).astype(np.float32)
                y = tf.nn.conv2d(pad(x, a.get("pads", [0])[0]), filters, a["strides"], "VALID")
                y = tf.nn.bias_add(y, bias.astype(np.float32))
            elif node.op_type == "BatchNormalization" or node.op_type == "Flatten":
                y = x
            elif node.op_type == "Relu":
                y = tf.nn.relu(x)
            elif node.op_type == "Add":
                y = x + done[node.input[1]]
            elif node.op_type == "MaxPool":
                # Behind a ReLU zeros are as good as nothing.
                p, stride = a["pads"][0], a["strides"][0]
                free = x.shape[1] + 2 * p - a["kernel_shape"][0]
                over = -free % stride if a.get("ceil_mode", 0) else 0
                y = tf.nn.max_pool2d(pad(x, p, over), a["kernel_shape"], a["strides"], "VALID")
            elif node.op_type == "GlobalAveragePool":
                y = tf.reduce_mean(x, [1, 2])
            elif node.op_type == "Gemm":
                y = tf.matmul(x, values[node.input[1]], transpose_b=True) + values[node.input[2]]
            else:
                raise SystemExit(f"no way to build {node.op_type}")
            done[node.output[0]] = y
        return done[graph.output[0].name]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
    open(target, "wb").write(converter.convert())


if __name__ == "__main__":
    main(*sys.argv[1:3])
