"""Exports timm and torchvision models with random weights, for `npx tsx scripts/check-zoo.ts FOLDER`.

    python scripts/check-zoo.py FOLDER [MODEL...]

Each model comes twice, from `torch.onnx.export` with dynamo=False and dynamo=True, in FOLDER/MODEL-EXPORTER with
reference.safetensors: a batch x, its logits, a cotangent and the gradient dx = d sum(logits * cotangent) / dx, all by
torch in float64; float32_error holds the relative L2 errors of torch's own float32 logits and dx, which tell a badly
conditioned network (weight standardisation, split attention) from a wrong one. onnxruntime must read the file too; where
it disagrees with torch the line says so. Networks of many equal blocks get one block a stage: their ops are the same.
Files that are there already are kept.
"""

import pathlib
import sys
import warnings

import torch

warnings.filterwarnings("ignore")
try:
    import torchvision
except RuntimeError:
    # torch without its compiled vision ops: they are declared, and none of these models calls one.
    ops = torch.library.Library("torchvision", "DEF")
    for name in ["nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"]:
        try:
            ops.define(f"{name}(Tensor x) -> Tensor")
        except RuntimeError:
            pass
    import torchvision

import onnxruntime
import timm
from safetensors.torch import save_file

SHORT = {"layers": (1, 1, 1, 1)}

MODELS = {
    "resnet18": {},
    "resnet26d": SHORT,
    "resnet34": SHORT,
    "resnet50": SHORT,
    "resnet50_gn": SHORT,
    "resnext50_32x4d": SHORT,
    "seresnet18": {},
    "seresnext26d_32x4d": SHORT,
    "ecaresnet26t": SHORT,
    "skresnet18": {},
    "res2net50_26w_4s": SHORT,
    "resnest14d": {},
    "resnetblur18": {},
    "gcresnet33ts": {},
    "tresnet_m": {},
    "resnetv2_50": SHORT,
    "resnetv2_50x1_bit": {},
    "regnetx_002": {},
    "regnety_002": {},
    "convnext_atto": {},
    "mobilenetv2_050": {},
    "mobilenetv3_small_050": {},
    "efficientnet_b0": {},
    "tf_efficientnet_lite0": {},
    "torchvision/resnet18": {},
    "torchvision/resnet50": {},
    "torchvision/wide_resnet50_2": {},
    "torchvision/resnext50_32x4d": {},
    "torchvision/mobilenet_v3_small": {},
}


def make(name: str, options: dict) -> torch.nn.Module:
    torch.manual_seed(0)
    if name.startswith("torchvision/"):
        model = torchvision.models.get_model(name.split("/")[1], num_classes=10)
    else:
        model = timm.create_model(name, num_classes=10, **options)
    for module in model.modules():
        # Fresh statistics are 0 and 1: an importer that dropped them would not be seen.
        if isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    for parameter in model.parameters():
        # Some scales start at 0 (the last norm of a block), which would hide its branch.
        if not parameter.any():
            torch.nn.init.normal_(parameter, 0, 0.3)
    return model.eval()


def export(model: torch.nn.Module, x: torch.Tensor, path: pathlib.Path, dynamo: bool) -> None:
    names = {"input_names": ["x"], "output_names": ["logits"]}
    if dynamo:
        torch.onnx.export(model, (x,), str(path), dynamo=True, external_data=False, verbose=False, **names)
    else:
        axes = {"x": {0: "N"}, "logits": {0: "N"}}
        torch.onnx.export(model, (x,), str(path), dynamo=False, opset_version=17, dynamic_axes=axes, **names)


def evaluate(model: torch.nn.Module, x: torch.Tensor, cotangent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    leaf = x.clone().requires_grad_()
    logits = model(leaf)
    (logits * cotangent).sum().backward()
    return logits.detach().double(), leaf.grad.double()


def clear_of_kinks(model: torch.nn.Module) -> torch.Tensor:
    """A batch whose gradient float32 can tell: no ReLU input so near to 0 that rounding decides its side.

    Of 16 batches the one whose nearest is farthest, as a share of the layer's mean magnitude.
    """
    nearest = []

    def watch(_, inputs):
        magnitude = inputs[0].abs()
        nearest.append((magnitude.min() / magnitude.mean()).item())

    kinds = (torch.nn.ReLU, torch.nn.ReLU6, torch.nn.LeakyReLU)
    hooks = [m.register_forward_pre_hook(watch) for m in model.modules() if isinstance(m, kinds)]
    best, distance = None, -1.0
    for seed in range(1, 17):
        x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
        nearest.clear()
        with torch.no_grad():
            model(x.double())
        if min(nearest, default=1.0) > distance:
            best, distance = x, min(nearest, default=1.0)
    for hook in hooks:
        hook.remove()
    return best


def off(got: torch.Tensor, right: torch.Tensor) -> float:
    return ((got - right).norm() / right.norm()).item()


def main(target: pathlib.Path, chosen: list[str]) -> None:
    for name, options in MODELS.items():
        if chosen and name not in chosen:
            continue
        x = clear_of_kinks(make(name, options).double())
        cotangent = torch.randn(2, 10, generator=torch.Generator().manual_seed(2))
        logits, dx = evaluate(make(name, options).double(), x.double(), cotangent.double())
        logits32, dx32 = evaluate(make(name, options), x, cotangent)
        errors = [off(logits32, logits), off(dx32, dx)]
        reference = {
            "x": x,
            "logits": logits.float(),
            "cotangent": cotangent,
            "dx": dx.float(),
            "float32_error": torch.tensor(errors),
        }
        for dynamo in (False, True):
            folder = target / f"{name.replace('/', '-')}-{'dynamo' if dynamo else 'legacy'}"
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / "model.onnx"
            try:
                if not file.exists():
                    export(make(name, options), x, file, dynamo)
            except Exception as error:
                print(f"{folder.name}: not exported: {type(error).__name__}: {str(error)[:200]}")
                file.unlink(missing_ok=True)
                continue
            session = onnxruntime.InferenceSession(str(file))
            ort = off(torch.from_numpy(session.run(None, {"x": x.numpy()})[0]).double(), logits)
            save_file(reference, str(folder / "reference.safetensors"))
            print(
                f"{folder.name}: logits {logits.abs().max():.3g}, gradient {dx.abs().max():.3g}, float32 is off by "
                f"{errors[0]:.1e} and {errors[1]:.1e}{f', onnxruntime by {ort:.1e}' if ort > 1e-4 else ''}",
                flush=True,
            )


main(pathlib.Path(sys.argv[1]), sys.argv[2:])
