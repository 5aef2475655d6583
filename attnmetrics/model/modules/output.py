"""What each head adds to the residual stream."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class HeadOutputs:
    """What the heads of a layer add to the stream: (z − b) W, with z a head's mixed values and b its value bias.

    Only lengths are asked for, and these depend on W Wᵀ alone: a matrix R no wider than the head stands for W.
    """

    root: Tensor
    """[head, width, width at most] R with R Rᵀ = W Wᵀ, float64"""
    bias: Tensor
    """[head, 1, width] b, float64"""

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor) -> "HeadOutputs":
        """From W [head, width, stream] and b [head, width]; with Wᵀ = Q S, Q orthogonal, R is Sᵀ."""
        return cls(torch.linalg.qr(weight.double().mT, mode="r").R.mT, bias.double()[:, None])

    def norms(self, mixed: Tensor) -> Tensor:
        """‖(z − b) W‖ of z [T, head, width]: [T, head] float64, computed in float32 unless z is float64."""
        dtype = torch.promote_types(mixed.dtype, torch.float32)
        shift = -(self.bias @ self.root).to(dtype)
        added = torch.baddbmm(shift, mixed.to(dtype).transpose(0, 1), self.root.to(dtype))
        norms: Tensor = torch.linalg.vector_norm(added, dim=-1)
        return norms.T.double()
