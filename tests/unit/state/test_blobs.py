import pytest

from core.settings import get_settings
from state.blobs import pack, unpack
from state.errors import OutputTooLarge


@pytest.mark.parametrize("rows", [0, 1, 5_000])
def test_what_is_packed_is_unpacked(rows):
    output = {"rows": [{"name": "Ærø ✈", "n": n, "x": n / 3, "none": None} for n in range(rows)]}
    assert unpack(pack(output)) == output


def test_large_outputs_are_compressed_and_small_ones_are_not():
    small, large = {"a": "x" * 10}, {"a": "x" * 100_000}
    assert pack(small)[:1] == b"j"
    assert pack(large)[:1] == b"z"
    assert len(pack(large)) < 2_000


def test_an_output_beyond_the_limit_is_refused_with_the_setting_to_change():
    too_large = {"a": "x" * get_settings().output_limit_bytes}
    with pytest.raises(OutputTooLarge, match="OUTPUT_LIMIT_BYTES"):
        pack(too_large)
