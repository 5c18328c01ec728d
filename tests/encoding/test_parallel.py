"""Parts on threads."""

from collections.abc import Iterator

import pytest
import torch

from components.encoding.parallel import one_core_each


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_each_thread_has_one_core_and_all_are_given_back():
    with one_core_each() as pool:
        seen = set(pool.map(lambda _: torch.get_num_threads(), range(50))) | {torch.get_num_threads()}
        assert pool._max_workers == 3
    assert seen == {1}
    assert torch.get_num_threads() == 3


def test_they_are_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), one_core_each() as pool:
        list(pool.map(lambda n: 1 / n, [1, 0]))
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("num_rows", [1, 24, 60])
def test_a_product_that_a_thread_begins_with_has_the_last_bits_of_any_other(num_rows: int):
    generator = torch.Generator().manual_seed(num_rows)
    left, right = torch.randn(num_rows, 1280, generator=generator), torch.randn(1280, 512, generator=generator)
    with one_core_each() as pool:
        assert torch.equal(pool.submit(lambda: left @ right).result(), left @ right)
