"""Fewer products, the same convolution."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from components.encoding.convolution import TILE, RowConvolution


@given(taps=st.integers(2, 7), num_outputs=st.integers(1, 60), seed=st.integers(0, 99))
def test_it_is_torchs_convolution(taps, num_outputs, seed):
    random = torch.Generator().manual_seed(seed)
    weight = torch.randn(taps, 24, 8, generator=random)
    bias = torch.randn(8, generator=random)
    rows = torch.randn(num_outputs + TILE - 1, 24, generator=random)
    found = RowConvolution(weight, bias)(rows, num_outputs)
    expected = functional.conv1d(rows.T.double(), weight.permute(2, 1, 0).double(), bias.double()).T[:num_outputs]
    assert found.shape == (num_outputs, 8)
    torch.testing.assert_close(found.double(), expected, atol=5e-4, rtol=1e-4)


def test_too_few_rows_are_an_error():
    with pytest.raises(RuntimeError):
        RowConvolution(torch.randn(3, 4, 4), torch.zeros(4))(torch.randn(TILE - 1, 4), 5)
