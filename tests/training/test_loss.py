"""The losses, on cases worked out by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from fra_live.annotations import IGNORE  # noqa: E402
from fra_live.training.loss import (  # noqa: E402
    action_loss,
    overlap_loss,
    partial_label_loss,
    soft_targets,
)

P = (0.5, 0.3, 0.2)  # of background, a and b, at every px below


def test_soft_targets_are_shares_of_the_known_px() -> None:
    label_map = torch.tensor([[[0, 0, 1, 1], [0, 2, 1, 1], [0, 0, 2, IGNORE], [0, 0, 1, IGNORE]]])
    targets = soft_targets(label_map.to(torch.uint8), labels=3, stride=2)
    assert tuple(targets.shape) == (1, 3, 2, 2)
    assert targets[0, :, 0, 0].tolist() == [0.75, 0.0, 0.25]  # a thin thing keeps its share
    assert targets[0, :, 0, 1].tolist() == [0.0, 1.0, 0.0]
    assert targets[0, :, 1, 0].tolist() == [1.0, 0.0, 0.0]
    assert targets[0, :, 1, 1].tolist() == [0.0, 0.25, 0.25]  # half of the cell is ignored


def loss_of(
    targets: list[tuple[float, float, float]],
    unannotated: tuple[bool, bool, bool] = (False, False, False),
    class_weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> float:
    """Of one image with a px a target."""
    logits = torch.log(torch.tensor(P))[None, :, None, None].repeat(1, 1, 1, len(targets))
    return float(
        partial_label_loss(
            logits + 3.0,  # a constant changes no softmax
            torch.tensor(targets).T[None, :, None],
            torch.tensor([unannotated]),
            torch.tensor(class_weights),
            torch.ones(1),
        )
    )


BACKGROUND, A, B, UNKNOWN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)
ONLY_A = (False, False, True)  # b was not looked for


@pytest.mark.parametrize(
    ("targets", "unannotated", "expected"),
    [
        ([BACKGROUND], (False, False, False), -math.log(0.5)),  # plain cross-entropy
        ([A], (False, False, False), -math.log(0.3)),
        ([BACKGROUND], ONLY_A, -math.log(0.5 + 0.2)),  # it may be b
        ([BACKGROUND], (False, True, True), 0.0),  # it may be anything
        ([A], ONLY_A, -math.log(0.3)),  # what is drawn is known all the same
        ([BACKGROUND, A], ONLY_A, -(math.log(0.7) + math.log(0.3)) / 2),
        ([BACKGROUND, UNKNOWN], ONLY_A, -math.log(0.7)),  # ignored px do not count
        ([(0.5, 0.5, 0.0)], ONLY_A, -(math.log(0.7) + math.log(0.3)) / 2),  # half a cell each
        ([(0.0, 0.25, 0.0), A], (False, False, False), -math.log(0.3)),
        ([UNKNOWN], (False, False, False), 0.0),
    ],
)
def test_partial_labels(
    targets: list[tuple[float, float, float]],
    unannotated: tuple[bool, bool, bool],
    expected: float,
) -> None:
    assert loss_of(targets, unannotated) == pytest.approx(expected, abs=1e-5)


def test_class_weights() -> None:
    loss = loss_of([BACKGROUND, A], class_weights=(1.0, 3.0, 1.0))
    assert loss == pytest.approx(-(math.log(0.5) + 3 * math.log(0.3)) / 4, rel=1e-5)


def test_images_have_weights_and_labels_of_their_own() -> None:
    logits = torch.log(torch.tensor(P))[None, :, None, None].repeat(2, 1, 1, 1)
    targets = torch.tensor([BACKGROUND, BACKGROUND])[:, :, None, None]
    unannotated = torch.tensor([[False, False, False], ONLY_A])
    loss = partial_label_loss(logits, targets, unannotated, torch.ones(3), torch.tensor([1.0, 0.3]))
    assert float(loss) == pytest.approx(-(math.log(0.5) + 0.3 * math.log(0.7)) / 1.3, rel=1e-5)


def test_what_may_be_hidden_in_the_background_is_not_pushed_down() -> None:
    logits = torch.log(torch.tensor(P))[None, :, None, None].requires_grad_()
    targets = torch.tensor([BACKGROUND])[:, :, None, None]
    partial_label_loss(
        logits, targets, torch.tensor([ONLY_A]), torch.ones(3), torch.ones(1)
    ).backward()
    slope = logits.grad.flatten().tolist()
    # softmax less the share of each label in the sum of .7
    assert slope == pytest.approx([0.5 - 0.5 / 0.7, 0.3, 0.2 - 0.2 / 0.7], abs=1e-6)


@pytest.mark.parametrize("known", [[0], [0, -1], [0, -1, -1]])
def test_unknown_actions_do_not_count(known: list[int]) -> None:
    logits = torch.log(torch.tensor([P] * len(known)))
    # .05 of the target is spread over all three
    expected = -(0.95 * math.log(0.5) + 0.05 / 3 * sum(map(math.log, P)))
    assert float(action_loss(logits, torch.tensor(known))) == pytest.approx(expected, rel=1e-5)


def test_a_batch_of_unknown_actions_has_no_loss_but_a_slope() -> None:
    logits = torch.zeros((2, 3), requires_grad=True)
    loss = action_loss(logits, torch.tensor([-1, -1]))
    assert float(loss) == 0.0
    loss.backward()
    assert torch.equal(logits.grad, torch.zeros(2, 3))


def test_overlap_loss_of_a_case_worked_out_by_hand() -> None:
    """Labels background, a, b on four cells; a is in two of them, b is nowhere, half is unknown."""
    p = torch.tensor([[0.2, 0.4, 0.9, 0.5], [0.7, 0.5, 0.1, 0.3], [0.1, 0.1, 0.0, 0.2]])
    targets = torch.tensor([[0.0, 0.0, 1.0, 0.5], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    logits = (p + 1e-9).log().reshape(1, 3, 1, 4)
    hidden = torch.tensor([[False, False, False]])
    # Of a: cells meet in .7 + .5, prediction .7 + .5 + .1 + half of .3, truth 2, smoothed by 4.
    dice = (2 * 1.2 + 4) / (1.45 + 2 + 4)
    found = overlap_loss(logits, targets.reshape(1, 3, 1, 4), hidden)
    assert found.item() == pytest.approx(1 - dice, abs=1e-5)


@pytest.mark.parametrize("lost", ["absent", "unannotated"])
def test_overlap_is_asked_of_labels_alone_that_are_there(lost: str) -> None:
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    targets = torch.zeros(2, 3, 4, 4)
    targets[:, 0] = 1.0
    hidden = torch.zeros(2, 3, dtype=torch.bool)
    if lost == "unannotated":
        targets[:, 0, :2], targets[:, 1, :2] = 0.0, 1.0
        hidden[:, 1] = True
    loss = overlap_loss(logits, targets, hidden)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0
    assert logits.grad is not None and bool(torch.isfinite(logits.grad).all())


def test_overlap_loss_is_least_at_the_objects_own_size() -> None:
    targets = torch.zeros(1, 2, 12, 12)
    targets[:, 1, 4:8, 4:8] = 1.0
    targets[:, 0] = 1 - targets[:, 1]

    def of_size(margin: int) -> float:
        logits = torch.full((1, 2, 12, 12), -4.0)
        inside = slice(4 - margin, 8 + margin)
        logits[:, 1, inside, inside] = 4.0
        logits[:, 0] = -logits[:, 1]
        return overlap_loss(logits, targets, torch.zeros(1, 2, dtype=torch.bool)).item()

    assert of_size(0) < min(of_size(-1), of_size(1)) < max(of_size(1), of_size(2)) == of_size(2)
