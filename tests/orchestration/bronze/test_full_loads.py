"""A full load reconciles: afterwards bronze has what the source has, and only differences were written."""


def test_a_first_full_load_brings_every_row(bench):
    bench.shop().put(1)
    bench.shop().put(2, "paid")
    result = bench.one()
    assert result.status == "loaded", result.message
    assert (result.extracted, result.inserted) == (2, 2)
    assert bench.bronze() == [(1, "open"), (2, "paid")]
