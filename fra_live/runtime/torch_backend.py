"""Torch behind the engine protocol: GPUs without TensorRT, and the reference on any CPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fra_live.errors import EngineError, MissingExtraError
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.gpu import find_gpu
from fra_live.runtime.half import prepare
from fra_live.runtime.onnx_graph import read_model

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from fra_live.runtime.cuda_engine import CudaEngine
    from fra_live.runtime.onnx_module import OnnxModule

PRECISIONS = ("f32", "f16")


def cuda_device() -> torch.device:
    """The GPU that torch uses, tried with one small sum.

    Raises:
        EngineError: torch cannot use a GPU here; the message says why.
        MissingExtraError: torch is not installed.
    """
    need_torch()
    import torch

    if torch.version.cuda is None:
        raise EngineError(f"This torch {torch.__version__} was built without CUDA.")
    try:
        with warnings.catch_warnings():  # what they tell of is in the error, if there is one
            warnings.simplefilter("ignore")
            torch.cuda.init()  # type: ignore[no-untyped-call]
            device = torch.device("cuda", torch.cuda.current_device())
            torch.ones(8, device=device).sum().item()  # are there kernels for this GPU?
    except (RuntimeError, AssertionError) as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise EngineError(f"Torch {torch.__version__} cannot use the GPU: {said}.") from error
    return device


def open_network(
    path: Path, precision: str, device: torch.device | None = None
) -> TorchEngine | CudaEngine:
    """A network of a bundle under torch.

    Args:
        path: its ONNX file, in float32.
        precision: "f32" or "f16".
        device: None for the CPU.

    Raises:
        EngineError: the file cannot be read or holds an unknown operator.
        MissingExtraError: torch or onnx is not installed.
    """
    need_torch()
    import torch

    model = read_model(path)
    from fra_live.runtime.onnx_module import OnnxModule

    module = OnnxModule(prepare(model, precision), path.name).eval()
    if device is None:
        return TorchEngine(module, path.name)
    from fra_live.runtime.cuda_engine import CudaEngine

    try:
        module.to(device=device)
        # As tensor cores read weights.
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f"The GPU has too little free memory for {path.name}: close other programs or use "
            "--engine openvino."
        ) from error

    def run(images: Tensor) -> tuple[Tensor, ...]:
        with _arithmetic(exact=precision == "f32"):
            outputs: tuple[Tensor, ...] = module(images)
        return outputs

    return CudaEngine(run, path.name, device)


class TorchEngine:
    """See `Engine`: one network on the CPU; slow, and the reference for the others."""

    def __init__(self, module: OnnxModule, name: str) -> None:
        self._module, self._name = module, name

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Engine.__call__`."""
        import torch

        probabilities, logits = self.run_tensor(torch.from_numpy(images))
        return probabilities.numpy(), logits.numpy()

    def run_tensor(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run a batch.

        Args:
            images: (N, H, W, 3) uint8 BGR on the CPU.

        Returns:
            As `Engine.__call__`, as float32 tensors.

        Raises:
            EngineError: torch failed.
        """
        import torch

        try:
            with torch.inference_mode():
                probabilities, logits = self._module(images)
        except (RuntimeError, IndexError) as error:
            said = str(error).splitlines()[0].rstrip(".")
            raise EngineError(
                f"Torch failed on {self._name} at {tuple(images.shape)}: {said}."
            ) from error
        return probabilities, logits


def choose_precision(wanted: str, on_gpu: bool) -> tuple[str, str]:
    """Pick the precision and say why.

    Raises:
        EngineError: torch does not run our networks in it.
    """
    if wanted == "auto":
        return ("f16", "half precision") if on_gpu else ("f32", "exact")
    if wanted not in PRECISIONS:
        raise EngineError(f"Torch runs in auto, f32 or f16, not '{wanted}'.")
    if wanted == "f16" and not on_gpu:  # it would, a hundred times more slowly
        raise EngineError("Torch runs in f32 on a CPU; f16 needs an NVIDIA GPU.")
    return wanted, "as asked"


def open_torch(
    bundle: Bundle, precision: str = "auto", threads: int = 0, need_gpu: bool = False
) -> tuple[TorchEngine | CudaEngine, TorchEngine | CudaEngine, str, str]:
    """Both networks under torch, on the GPU where there is one.

    Args:
        bundle: a checked bundle.
        precision: "auto", "f32" or "f16".
        threads: CPU threads of torch, in the whole process; 0 leaves them.
        need_gpu: fail where there is none.

    Returns:
        Net_coarse, Net_fine, the precision and a clause that says why.

    Raises:
        EngineError: no GPU though one is needed, another precision, or a network cannot be read.
        MissingExtraError: torch or onnx is not installed.
    """
    device: torch.device | None = None
    try:
        gpu = find_gpu()
        device = cuda_device()
        where = f"on {gpu.name}"
    except EngineError as error:
        if need_gpu:
            raise
        where = f"on the CPU: {str(error).rstrip('.').removeprefix('There is ')}"
    chosen, why = choose_precision(precision, device is not None)
    if device is None and threads:
        need_torch()
        import torch

        torch.set_num_threads(threads)
    coarse, fine = (open_network(bundle.part(n), chosen, device) for n in ("coarse", "fine"))
    return coarse, fine, chosen, f"{why}, {where}"


@contextmanager
def _arithmetic(exact: bool) -> Iterator[None]:
    """The fastest convolutions there are; where float32 is meant, none in TensorFloat-32."""
    import torch

    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=not exact):
        yield


def need_torch() -> None:
    """Make sure that torch can be imported.

    Raises:
        MissingExtraError: it cannot.
    """
    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:
        raise MissingExtraError("This engine", "gpu") from error
