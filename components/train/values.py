"""What PPO estimates and GRPO does not: the value of a response so far, and each token's advantage over it.

Notation: B responses of up to C tokens, H hidden size; a reward is one number a response, given at its last token.
"""

import torch
from torch import Tensor, nn

CLIP_RANGE = 0.2
"""How far a value may move from the one before the step (Schulman et al. 2017; TRL's and OpenAI's default)."""


class ValueHead(nn.Module):
    """One number from a hidden state, float32, 0 before anything is learned.

    The state is normalised first: models differ in how large theirs are, and the head's learning rate should not.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden_size, elementwise_affine=False)
        self.linear = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, states: Tensor) -> Tensor:
        """Values (B, C) float32 of states (B, C, H)."""
        told: Tensor = self.linear(self.norm(states.float()))
        return told[..., 0]


def generalised_advantages(rewards: Tensor, values: Tensor, mask: Tensor, gae_lambda: float) -> tuple[Tensor, Tensor]:
    """Advantages and returns of each token (Schulman et al. 2016, arXiv 1506.02438, eq. 16, with γ = 1).

    δ_t = r_t + v_{t+1} - v_t, A_t = Σ_k λ^k δ_{t+k}, return_t = A_t + v_t; r is 0 but at the last token, and what
    comes after that is worth 0.

    Args:
        rewards: (B,) float32, finite.
        values: (B, C) float32, of the response before each token.
        mask: (B, C), 1 for a response's tokens, which come first; each response has at least one.
        gae_lambda: λ, 0 to 1: 1 takes reward - value, 0 the next value alone.

    Returns:
        Two (B, C) float32 tensors, 0 where the mask is 0.
    """
    num_tokens = mask.sum(1)  # (B,)
    columns = torch.arange(values.shape[1], device=values.device)
    given = torch.where(columns == num_tokens[:, None] - 1, rewards[:, None], 0.0)  # (B, C)
    masked = values * mask
    later = torch.cat([masked[:, 1:], masked.new_zeros(len(masked), 1)], 1)
    surprise = (given + later - masked) * mask
    advantages = torch.zeros_like(values)
    running = values.new_zeros(len(values))
    for column in reversed(range(values.shape[1])):
        running = surprise[:, column] + gae_lambda * running
        advantages[:, column] = running
    return advantages, advantages + masked


def standardised(advantages: Tensor, mask: Tensor) -> Tensor:
    """Advantages (B, C) with mean 0 and deviation 1 over the tokens in `mask` (B, C) bool; 0 elsewhere."""
    own = advantages[mask]
    if own.numel() < 2:
        return torch.zeros_like(advantages)
    return ((advantages - own.mean()) / own.std().clamp(min=1e-8)) * mask


def value_losses(values: Tensor, before: Tensor, returns: Tensor) -> Tensor:
    """½ max((v - R)², (clip(v, v_before ± ε) - R)²) of each token, (B, C) float32."""
    clipped = before + (values - before).clamp(-CLIP_RANGE, CLIP_RANGE)
    return 0.5 * torch.maximum((values - returns) ** 2, (clipped - returns) ** 2)
