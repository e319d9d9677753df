"""A compiled plan as a function on device tensors, on torch's current stream."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor

from fra_live.errors import EngineError
from fra_live.runtime.tensorrt_package import TensorRT

OUTPUTS = ("probabilities", "action_logits")
_MOST_CONTEXTS = 12


class TensorRTNetwork:
    """A plan that has been read in; one thread at a time.

    Each shape has an execution context of its own: a CUDA graph goes on using the memory and the
    addresses of the context that it was captured from.

    Args:
        rt: the package that built the plan.
        plan: its bytes, checked before.
        name: of the network, for messages.
        device: the GPU.

    Raises:
        EngineError: TensorRT does not take the plan; the message says why.
    """

    def __init__(self, rt: TensorRT, plan: bytes, name: str, device: torch.device) -> None:
        self._rt, self._name, self._device = rt, name, device
        trt = rt.module
        rt.log.errors.clear()
        try:
            self._runtime = trt.Runtime(rt.log)
            self._engine = self._runtime.deserialize_cuda_engine(plan)
        except (TypeError, RuntimeError) as error:
            raise EngineError(self._refusal(rt.last_error())) from error
        if self._engine is None:
            raise EngineError(self._refusal(rt.last_error()))
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        inputs = [n for n in names if self._engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        if len(inputs) != 1 or any(n not in names for n in OUTPUTS):
            raise EngineError(self._refusal(f"its inputs and outputs are {', '.join(names)}"))
        self._input = inputs[0]
        self._config = self._runtime_config()
        self._contexts: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def _refusal(self, why: str) -> str:
        return (
            f"{self._rt.package} does not take the plan of {self._name}: {why}; "
            "remove it with `fra-live engines clean --all`."
        )

    def _runtime_config(self) -> Any:
        """For TensorRT-RTX: kernels made for one context are there for the next."""
        if not hasattr(self._engine, "create_runtime_config"):
            return None
        config = self._engine.create_runtime_config()
        if hasattr(config, "create_runtime_cache"):
            config.set_runtime_cache(config.create_runtime_cache())
        strategies = getattr(self._rt.module, "DynamicShapesKernelSpecializationStrategy", None)
        if strategies is not None:
            # By default a shape's own kernels come later, when a graph holds the slower ones.
            config.dynamic_shapes_kernel_specialization_strategy = strategies.EAGER
        return config

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """Start a batch on torch's current stream; does not wait.

        Args:
            images: (N, H, W, 3) uint8 on the device.

        Returns:
            Probabilities (N, |L|, h, w) and action logits (N, A + 1), float32.

        Raises:
            EngineError: the shape is outside the plan's, or TensorRT failed.
        """
        shape, images = tuple(images.shape), images.contiguous()
        stream = torch.cuda.current_stream(self._device).cuda_stream
        context = self._contexts.get(shape)
        if context is None:
            context = self._contexts[shape] = self._context(shape, stream)
            while len(self._contexts) > _MOST_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(shape)
        outputs = tuple(
            torch.empty(tuple(context.get_tensor_shape(n)), device=self._device) for n in OUTPUTS
        )
        context.set_tensor_address(self._input, images.data_ptr())
        for name, output in zip(OUTPUTS, outputs, strict=True):
            context.set_tensor_address(name, output.data_ptr())
        if not context.execute_async_v3(stream):
            raise EngineError(f"{self._name} failed under {self._rt.package}: "
                              f"{self._rt.last_error()}.")  # fmt: skip
        return outputs

    def _context(self, shape: tuple[int, ...], stream: int) -> Any:
        """A context with the first profile that holds a shape."""
        for profile in range(self._engine.num_optimization_profiles):
            least, _, most = self._engine.get_tensor_profile_shape(self._input, profile)
            if all(a <= b <= c for a, b, c in zip(least, shape, most, strict=True)):
                break
        else:
            raise EngineError(
                f"{self._name} is not compiled for images of {shape[2]}x{shape[1]} px in batches "
                f"of {shape[0]}; build it anew with `fra-live engines build`."
            )
        if self._config is None:
            context = self._engine.create_execution_context()
        else:
            context = self._engine.create_execution_context(self._config)
        if context is None:
            raise EngineError(
                f"The GPU has too little free memory for {self._name} ({self._rt.last_error()}): "
                "close other programs or use --engine openvino."
            )
        if not context.set_optimization_profile_async(profile, stream):
            raise EngineError(self._refusal(self._rt.last_error()))
        torch.cuda.current_stream(self._device).synchronize()  # set before the first batch
        if not context.set_input_shape(self._input, shape):
            raise EngineError(f"{self._name} does not take images of shape {shape}.")
        return context
