"""The overlay: what the recognizer found, drawn on the frame or a copy of it.

Every thing is told by colour, by words and by a hatching of its own, so no one needs to tell
colours apart. An `Overlay` belongs to one source and one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fra_live.errors import FraLiveError
from fra_live.labels import NO_ACTION, LabelSet
from fra_live.live.anonymise import ANONYMISERS, anonymise
from fra_live.live.drawing import Canvas, Rect, Tools
from fra_live.live.events import ActiveEvent
from fra_live.live.heads import around, heads
from fra_live.live.hud import (
    Hud,
    StageMeans,
    actions_panel,
    banner,
    figures_panel,
    message_panel,
    spoken,
)
from fra_live.live.labelling import draw_label
from fra_live.live.lettering import MEDIUM
from fra_live.live.method_view import VIEWS, MethodView
from fra_live.results import BodyPart, Box, Candidate, FrameResult

__all__ = ["VIEWS", "Hud", "Overlay", "OverlayOptions"]


@dataclass(frozen=True)
class OverlayOptions:
    """What is drawn.

    Attributes:
        view: 1 annotated frame, 2 coarse map, 3 windows, 4 fine map, 5 the method (all of them
            side by side). Views above 1 need results with an explanation.
        bold_score: candidates at or above this score are drawn boldly, as are those of a raised
            action.
        thin_score: candidates below this score are not drawn.
        opacity: of the objects' masks, 0..1.
        hatching: mark each kind of object by a hatching of its own as well.
        body_parts: draw faces and hands.
        banner: name the actions that go on.
        actions: show the probability of every action beside the HUD.
        faces: "" shows faces as they are, "pixelate" or "blur" hides those that act in no event.
    """

    view: int = 1
    bold_score: float = 0.5
    thin_score: float = 0.15
    opacity: float = 0.3
    hatching: bool = True
    body_parts: bool = True
    banner: bool = True
    actions: bool = True
    faces: str = ""

    @property
    def suits_carried(self) -> bool:
        """Whether frames may be drawn whose results were carried along from earlier ones.

        The method's maps belong to one frame, and a face is to be hidden from its first frame on.
        """
        return self.view == 1 and not self.faces

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise FraLiveError(f"There is no view {self.view}; there are 1 to {len(VIEWS)}.")
        if self.faces and self.faces not in ANONYMISERS:
            known = ", ".join(ANONYMISERS)
            raise FraLiveError(f"Faces cannot be hidden by '{self.faces}'; known are: {known}.")


class Overlay:
    """Draws results.

    Args:
        labels: names, colours and actions.
        options: what to draw; may be replaced between frames.
    """

    def __init__(self, labels: LabelSet, options: OverlayOptions | None = None) -> None:
        self.labels = labels
        self.options = options or OverlayOptions()
        self._tools = Tools(labels)
        self._means = StageMeans()
        self._method = MethodView(labels, self._tools)

    @property
    def needs_explanation(self) -> bool:
        """Whether the chosen view needs results recognized with `explain=True`."""
        return self.options.view != 1

    def draw(
        self,
        image: np.ndarray,
        result: FrameResult,
        active: Sequence[ActiveEvent] | None = None,
        hud: Hud | None = None,
        *,
        keep: bool = True,
    ) -> np.ndarray:
        """Draw one result.

        Args:
            image: (H, W, 3) uint8 BGR.
            result: of this image.
            active: events that go on; None where nobody tracks them: then the frame alone tells
                what goes on.
            hud: running figures; None draws none.
            keep: leave the image as it is, and draw on a copy.

        Returns:
            (H, W, 3) uint8 BGR.

        Raises:
            ValueError: the image has another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"A frame is (H, W, 3) uint8, not {image.shape} {image.dtype}.")
        drawn = np.array(image, order="C", copy=True if keep else None)
        if self.options.faces:
            anonymise(drawn, self._bystanders(result, active), self.options.faces)
        if self.options.view != 1:
            drawn = self._method.draw(drawn, result, self.options.view)
        canvas = Canvas(drawn, self._tools)
        taken: list[Rect] = []
        if self.options.view == 1:
            self._body_parts(canvas, result)
            shown = self._choose(result, active)
            self._objects(canvas, shown)
        if canvas.sizes.words:
            if hud is not None:
                taken += self._panels(canvas, result, hud)
            if self.options.banner and self.options.view != len(VIEWS):
                taken += banner(canvas, result, self.labels, active)
            if self.options.view == 1:
                self._names(canvas, shown, taken)
        return drawn

    def _panels(self, canvas: Canvas, result: FrameResult, hud: Hud) -> list[Rect]:
        stages = self._means.update(hud.stages_ms or result.stages_ms)
        figures = figures_panel(canvas, hud, stages if self.options.view == 1 else {})
        taken = [figures, message_panel(canvas, hud.lines, figures)]
        if self.options.actions and self.options.view == 1:
            taken.append(actions_panel(canvas, result, self.labels))
        return taken

    def _choose(
        self, result: FrameResult, active: Sequence[ActiveEvent] | None
    ) -> list[tuple[Candidate, bool]]:
        """The candidates to draw, and whether boldly; the least important first."""
        if active is None:
            raised = {self.labels.actions[result.action]} if result.action != "none" else set()
        else:
            raised = {event.object_label for event in active if not event.ending}
        chosen: list[tuple[Candidate, bool]] = []
        for candidate in result.candidates:  # best first
            twins = [c for c, _ in chosen if c.label == candidate.label]
            if any(_overlap(c.box_xyxy, candidate.box_xyxy) > 0.5 for c in twins):
                continue
            first = all(c.person != candidate.person for c in twins)
            bold = (candidate.label in raised and first) or (
                candidate.score >= self.options.bold_score
            )
            if bold or candidate.score >= self.options.thin_score:
                chosen.append((candidate, bold))
        return sorted(chosen, key=lambda c: (c[1], c[0].score))

    def _body_parts(self, canvas: Canvas, result: FrameResult) -> None:
        if not self.options.body_parts:
            return
        parts: list[BodyPart] = [*result.hands, *(p.face for p in result.people)]
        for part in parts:
            colour = canvas.colour(part.label)
            canvas.outline(part.outline, colour, bold=False)

    def _objects(self, canvas: Canvas, shown: list[tuple[Candidate, bool]]) -> None:
        for candidate, bold in shown:
            colour = canvas.colour(candidate.label)
            if not bold:
                canvas.outline(candidate.outline, colour, bold=False)
                continue
            pattern = 0
            if self.options.hatching and candidate.label in self.labels.objects:
                pattern = 1 + self.labels.objects.index(candidate.label) % 5
            canvas.tint(candidate.outline, colour, self.options.opacity, pattern)
            canvas.outline(candidate.outline, colour)

    def _names(
        self, canvas: Canvas, shown: list[tuple[Candidate, bool]], taken: list[Rect]
    ) -> None:
        for candidate, bold in reversed(shown):
            if bold:
                text = f"{spoken(candidate.label)} {candidate.score:.2f}"
                colour = canvas.colour(candidate.label)
                draw_label(canvas, text, candidate.box_xyxy, colour, taken, MEDIUM)

    def _bystanders(self, result: FrameResult, active: Sequence[ActiveEvent] | None) -> list[Box]:
        """Faces that act in no event."""
        faces = [p.face.box_xyxy for p in result.people]
        acting = [e.face_xyxy for e in active or () if e.face_xyxy is not None]
        hidden = []
        for head in heads(faces):
            if active is None:
                said = (result.people[i].actions.items() for i in head)
                best = max((v for own in said for k, v in own if k != NO_ACTION), default=0.0)
                acts = best >= result.threshold
            else:
                whole = around([faces[i] for i in head])
                acts = any(_overlap(whole, face) >= 0.5 for face in acting)
            if not acts:
                hidden += [faces[i] for i in head]
        return hidden


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (both - width * height)
