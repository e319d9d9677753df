"""The whole method on tensors against the whole method on arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from fra_live.device_recognizer import DeviceRecognizer  # noqa: E402
from fra_live.device_segmenter import as_segmentation  # noqa: E402
from fra_live.recognizer import Recognizer  # noqa: E402
from fra_live.stages.device.packing import pack  # noqa: E402
from fra_live.stages.rank import best_distinct  # noqa: E402
from fra_live.stages.regions import body_parts  # noqa: E402
from tests.stages.device.tensors import on_tensors, same_result  # noqa: E402
from tests.tiny import ACTIONS, scene  # noqa: E402


@pytest.fixture(scope="module")
def device(colours: Recognizer) -> DeviceRecognizer:
    return on_tensors(colours)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("shape", [(120, 160), (131, 97)])
def test_the_drawn_world(
    colours: Recognizer, device: DeviceRecognizer, action: str, shape: tuple[int, int]
) -> None:
    image = scene(action, shape, 901)[0]
    result = device(image, timestamp_s=1.5)
    same_result(result, colours(image), 1e-3)
    assert result.timestamp_s == 1.5
    assert result.explanation is None
    assert list(result.stages_ms) == [
        "preprocess", "coarse", "windows", "fine", "refine", "candidates", "context", "rank",
        "classify", "results",
    ]  # fmt: skip


def test_several_people(colours: Recognizer, device: DeviceRecognizer) -> None:
    image = np.hstack([scene(a, (120, 120), 7 + i)[0] for i, a in enumerate(ACTIONS)])
    result = device(image)
    assert len(result.people) == 3
    same_result(result, colours(image), 1e-3)


def test_several_people_bring_down_the_masks_of_their_best(device: DeviceRecognizer) -> None:
    image = np.hstack([scene(a, (120, 120), 7 + i)[0] for i, a in enumerate(ACTIONS)])
    outcome, runner = device.device_segment.run(image)
    whole = device.device_segment.whole(outcome, runner)
    asked: list[np.ndarray] = []

    def wanted(boxes: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
        asked.extend([boxes, overlaps])
        return np.array([2, 0, 2])

    less = device.device_segment.whole(outcome, runner, wanted)
    assert np.array_equal(asked[0], np.array([p.box for p in whole.proposals], np.float32))
    assert np.array_equal(asked[1], whole.overlaps)
    assert len(less.proposals) == len(whole.proposals) > 3
    for number, (ours, theirs) in enumerate(zip(less.proposals, whole.proposals, strict=True)):
        assert ours.box == theirs.box
        assert (ours.channel, ours.probability) == (theirs.channel, theirs.probability)
        mask = theirs.mask if number in (0, 2) else np.zeros_like(theirs.mask)
        assert theirs.mask.any()
        assert np.array_equal(ours.mask, mask)
    assert less.context.shape == (len(less.proposals), 0)
    assert less.windows == whole.windows
    for name in ("coarse", "fine", "global_logits", "window_logits", "overlaps"):
        ours, theirs = getattr(less, name), getattr(whole, name)
        assert ours.dtype == theirs.dtype == np.float32
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    "image",
    [
        np.full((60, 80, 3), 60, np.uint8),  # nothing in sight
        np.full((60, 80, 3), 0, np.uint8),
        np.random.default_rng(0).integers(0, 256, (1, 1, 3), np.uint8),
        np.random.default_rng(1).integers(0, 256, (1, 400, 3), np.uint8),
        scene("phoning", (120, 160), 3)[0][:, ::-1],  # a view, not contiguous
    ],
)
def test_odd_frames(colours: Recognizer, device: DeviceRecognizer, image: np.ndarray) -> None:
    same_result(device(image), colours(image), 1e-3)


def test_explanation_and_segmentation(colours: Recognizer, device: DeviceRecognizer) -> None:
    image = scene("drinking", (120, 160), 5)[0]
    ours, theirs = device(image, explain=True).explanation, colours(image, explain=True).explanation
    assert ours is not None
    assert theirs is not None
    np.testing.assert_allclose(ours.coarse_probabilities, theirs.coarse_probabilities, atol=1e-6)
    np.testing.assert_allclose(ours.fine_probabilities, theirs.fine_probabilities, atol=1e-5)
    np.testing.assert_allclose(ours.windows, theirs.windows, rtol=1e-9)
    assert [c.label for c in ours.candidates] == [c.label for c in theirs.candidates]
    found, expected = device.segment(image), colours.segment(image)
    assert [p.cells for p in found.proposals] == [p.cells for p in expected.proposals]
    np.testing.assert_allclose(found.context, expected.context, atol=1e-5)
    assert found.window_logits.shape == expected.window_logits.shape


@pytest.mark.parametrize("action", ACTIONS)
def test_overlaps_of_all_candidates(
    colours: Recognizer, device: DeviceRecognizer, action: str
) -> None:
    image = scene(action, (120, 160), 11)[0]
    outcome, runner = device.device_segment.run(image)
    whole = device.device_segment.whole(outcome, runner)
    found = as_segmentation(whole)  # the same evidence for both
    faces = [p for p in body_parts(found.fine, colours.labels, (120, 160)) if p.label == "face"]
    expected = colours._overlaps(found, faces, (120, 160))
    np.testing.assert_allclose(whole.overlaps, expected, atol=1e-4)
    boxes = np.array([p.box for p in found.proposals], np.float32).reshape(-1, 4)
    p = colours.parameters
    best = best_distinct(whole.overlaps, boxes, p.top, p.candidates)
    assert [c.index for c in outcome.found.candidates] == best.tolist()


class OnTheDeviceOnly(TorchDispatchMode):
    """Refuses whatever would look at a tensor's values from Python."""

    REFUSED = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero", "equal")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert not any(name.startswith(refused) for refused in self.REFUSED), name
        if name in ("index", "index_put", "index_put_"):
            indices = [i for i in args[1] if i is not None]
            assert all(i.dtype not in (torch.bool, torch.uint8) for i in indices), name
        return func(*args, **(kwargs or {}))


def test_no_value_is_looked_at_before_the_result(device: DeviceRecognizer) -> None:
    image = scene("drinking", (120, 160), 5)[0]
    outcome, runner = device.device_segment.run(image)
    tensor = torch.from_numpy(image)

    def steps() -> Iterator[torch.Tensor]:
        for step in runner.method.steps(tensor):
            if not isinstance(step, str):
                yield pack(step)

    with OnTheDeviceOnly():
        packed = next(steps())
    assert packed.dtype == torch.uint8
    assert packed.dim() == 1
    assert len(outcome.found.parts) >= 2
    with OnTheDeviceOnly(), pytest.raises(AssertionError, match="_local_scalar_dense"):
        torch.ones(1).item()


def test_shapes_do_not_depend_on_what_is_seen(device: DeviceRecognizer) -> None:
    sizes = set()
    for image in (scene("drinking", (120, 160), 5)[0], np.full((120, 160, 3), 60, np.uint8)):
        outcome, _ = device.device_segment.run(image)
        sizes.add(pack(outcome.frame).shape)
    assert len(sizes) == 1


def test_a_frame_that_winds_is_done_again(
    device: DeviceRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fra_live.stages.device.components as components

    image = scene("drinking", (113, 150), 5)[0]
    monkeypatch.setattr(components, "ROUNDS", 1)
    outcome, runner = device.device_segment.run(image)
    assert outcome.found.settled
    assert runner is not device.device_segment._runner((113, 150))
    assert outcome.found.candidates


def test_parameters_may_be_set(colours: Recognizer, device: DeviceRecognizer) -> None:
    image = scene("drinking", (120, 160), 5)[0]
    before = device.segment.parameters
    fewer = replace(before, candidates=replace(before.candidates, max_candidates=1))
    try:
        device.segment.parameters = fewer
        assert len(device.segment(image).proposals) == 1
    finally:
        device.segment.parameters = before
    assert len(device.segment(image).proposals) == len(colours.segment(image).proposals)
