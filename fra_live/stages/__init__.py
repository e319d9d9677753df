"""The paper's method, a file a step, in its order; NumPy and OpenCV only.

coarse → `windows` → `refine` → `candidates` → `context` → `rank` → `classify`. The stages know
nothing of engines: they take and give arrays.
"""
