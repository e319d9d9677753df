"""The paper's method on torch tensors, a file a step: the twin of `fra_live.stages` for GPUs.

Every step takes and gives tensors of fixed shapes, with a validity mask where there may be fewer
things than slots, and never looks at a value from Python: a CUDA graph can hold the whole frame,
and nothing comes back before the packed result. The NumPy stages are the reference; where a tie
may be broken differently, the docstring says so. Nothing outside this package needs torch.
"""
