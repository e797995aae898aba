"""Writes the node tests of the installed onnx package into a folder, for `npm run test:onnx -- FOLDER`.

    python scripts/onnx-node-tests.py FOLDER

`python -m onnx.backend.test.cmd_tools generate-data` wrote them up to onnx 1.22; since 1.23 it leaves them out.
"""

import pathlib
import sys

from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases


def proto(value, info):
    if isinstance(value, TensorProto):
        return value
    if info.type.HasField("tensor_type"):
        return numpy_helper.from_array(value, info.name)
    if info.type.HasField("sequence_type"):
        return numpy_helper.from_list(value, info.name)
    return numpy_helper.from_optional(value, info.name)


def main(target: pathlib.Path) -> None:
    count = 0
    for case in collect_testcases(None):
        if case.model is None or not case.data_sets:
            continue
        folder = target / case.name
        data = folder / "test_data_set_0"
        data.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())
        inputs, outputs = case.data_sets[0]
        for kind, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for i, (value, info) in enumerate(zip(values, infos)):
                (data / f"{kind}_{i}.pb").write_bytes(proto(value, info).SerializeToString())
        count += 1
    print(f"{count} tests in {target}")


main(pathlib.Path(sys.argv[1]))
