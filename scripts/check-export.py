"""Whether onnxruntime runs what `saveOnnx` writes: every file is checked, run, and compared with the first.

    npx wgrad finetune --images DIR --epochs 1 --out out/a.onnx --seed 1
    npx wgrad finetune --images DIR --epochs 1 --out out/b.onnx --seed 1 --fold-batch-norm
    npx wgrad finetune --images DIR --epochs 1 --out out/c.onnx --seed 1 --weights float16
    python scripts/check-export.py out/a.onnx out/b.onnx out/c.onnx

needs onnx, onnxruntime and numpy. Prints the operator set, the nodes, the bytes, the largest difference of an output from
the first file's relative to its largest magnitude, and the keys of the metadata; ends with 1 where a file is refused, has
another operator set, or differs by more than 1e-4 (2e-2 where it holds float16).
"""
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

first = opset = feeds = None
failed = False
for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    if feeds is None:
        random = np.random.default_rng(0)
        dims = lambda shape: [d if isinstance(d, int) else 2 for d in shape]
        feeds = {i.name: random.normal(size=dims(i.shape)).astype(np.float32) for i in session.get_inputs()}
    outputs = session.run(None, feeds)
    own = next(o.version for o in model.opset_import if o.domain == "")
    if first is None:
        first, opset = outputs, own
    difference = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(outputs, first, strict=True))
    halves = sum(t.data_type == onnx.TensorProto.FLOAT16 for t in model.graph.initializer)
    nodes = Counter(n.op_type for n in model.graph.node)
    bad = own != opset or not difference <= (2e-2 if halves else 1e-4)
    failed |= bad
    kinds = ", ".join(f"{n} {op}" for op, n in nodes.most_common(5))
    print(f"{path}: opset {own}, {Path(path).stat().st_size} bytes, {halves} float16, {kinds}; off by {difference:.1e}"
          f"{' TOO MUCH' if bad else ''}; metadata {', '.join(p.key for p in model.metadata_props)}")
sys.exit(failed)
