"""A frame's number as a column of black and white blocks at both sides of its picture.

So a camera's frame is known again wherever its picture turns up: enlarged, mirrored, compressed
and drawn on. `READ` does the same in a browser.
"""

from __future__ import annotations

import numpy as np

BITS = 10
NUMBERS = 1 << BITS
_BLOCKS = BITS + 3  # a white one and a black one before the bits, the parity behind them
_TOP, _BOTTOM, _WIDTH = 0.46, 0.86, 0.04  # shares of the picture; HUD and banner lie elsewhere


def blocks(number: int) -> np.ndarray:
    """(13,) bool of a number in 0..1023, topmost first."""
    bits = [(number >> i) & 1 for i in range(BITS)]
    return np.array([1, 0, *bits, sum(bits) % 2], bool)


def draw_number(image: np.ndarray, number: int) -> None:
    """Draw a number, modulo 1024, on a (H, W, 3) uint8 picture."""
    height, width = image.shape[:2]
    edges = np.linspace(_TOP * height, _BOTTOM * height, _BLOCKS + 1).round().astype(int)
    wide = max(8, round(_WIDTH * width))
    for white, y0, y1 in zip(blocks(number % NUMBERS), edges[:-1], edges[1:], strict=True):
        image[y0:y1, :wide] = image[y0:y1, width - wide :] = 255 if white else 0


def read_number(image: np.ndarray) -> int | None:
    """The number on a (H, W, 3) uint8 picture; None where none can be read."""
    height, width = image.shape[:2]
    edges = np.linspace(_TOP * height, _BOTTOM * height, _BLOCKS + 1)
    rows = ((edges[:-1] + edges[1:]) / 2).astype(int)
    light = image[rows, width - max(4, round(_WIDTH * width / 2))].mean(axis=1) > 127
    number = int(sum(1 << i for i, bit in enumerate(light[2 : 2 + BITS]) if bit))
    return number if np.array_equal(light, blocks(number)) else None


READ = f"""
(picture, width, height) => {{
  const blocks = {_BLOCKS}, top = {_TOP} * height, tall = {_BOTTOM - _TOP} * height;
  const wide = {_WIDTH} * width;
  const canvas = window.barCode ??= Object.assign(
    document.createElement("canvas"), {{ width: 1, height: blocks }});
  const context = canvas.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(picture, width - 0.75 * wide, top, wide / 2, tall, 0, 0, 1, blocks);
  const px = context.getImageData(0, 0, 1, blocks).data;
  const light = Array.from({{ length: blocks }}, (_, i) => px[4 * i + 1] > 127);
  const bits = light.slice(2, 2 + {BITS});
  const parity = bits.filter(Boolean).length % 2 === 1;
  if (!light[0] || light[1] || light[blocks - 1] !== parity) return null;
  return bits.reduce((sum, bit, i) => sum + (bit ? 1 << i : 0), 0);
}}
"""
