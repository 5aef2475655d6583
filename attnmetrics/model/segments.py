"""Whether a model can read pairs of segments: room, a separator between them, segment ids that it knows and heeds."""

from itertools import chain, pairwise

from attnmetrics.errors import ConfigError, ModelError
from attnmetrics.model.checkpoint import PROBE_TEXTS
from attnmetrics.model.load import Model
from attnmetrics.model.trials.probe import check_segments
from attnmetrics.pieces.pairs import find_frame


def check_pair(size: int, model: Model) -> None:
    """Refuse pairs that the model cannot read, or whose segments its tokenizer does not keep apart.

    Raises:
        ConfigError: they are longer than it takes, or the template leaves no room for two pieces; or nothing stands
            between two texts; or its pieces are null, and another number of them is around two texts than around one.
        ModelError: the tokenizer's template changes the texts' pieces, or numbers segments that the model has not; or
            the model is not told of segments in a batch as it is alone.
    """
    frame = find_frame(model.tokenizer, 2)
    if not frame.gaps[1]:
        raise ConfigError(
            f"expected a tokenizer that puts a separator between two texts, found none in that of {model.name}; choose "
            "--unit window:N"
        )
    ends = [tuple(len(gaps[end]) for end in (0, -1)) for gaps in (find_frame(model.tokenizer, 1).gaps, frame.gaps)]
    if model.attends.between and ends[0] != ends[1]:
        raise ConfigError(
            f"expected as many pieces of the template before and after two texts as around one, found {ends[1]} and "
            f"{ends[0]} of the tokenizer of {model.name}; give --null-tokens first or none"
        )
    least = frame.size + 2
    if not least <= size <= model.max_pieces:
        raise ConfigError(
            f"expected pairs of {least:,} to {model.max_pieces:,} pieces, as {model.name} reads them, found {size:,}; "
            "choose another --unit pair:N"
        )
    types = model.segment_types
    if 1 < types <= (most := max(*frame.text_segments, *chain.from_iterable(frame.gap_segments))):
        raise ModelError(
            f"expected segment ids below {types}, as many as {model.name} tells apart, found {most} of its tokenizer; "
            "give --segment-ids zero"
        )
    if types > 1:
        texts = model.tokenizer.encode_batch(list(pairwise(PROBE_TEXTS)))
        told = [(found.ids[: model.max_pieces], found.type_ids[: model.max_pieces]) for found in texts]
        check_segments(model.network, model.layout, model.causal, told, model.device)
