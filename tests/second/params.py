"""The parameters: order, defaults, ranges. EVIDENCE.md, section 5."""

from codec import Number, Struct

# name: (bytes, default, least, greatest)
TABLE = {
    "max_block_bytes": (4, 4_194_304, 2_097_152, 7_340_032),
    "max_block_signatures": (4, 1_000, 10, 9_444),
    "max_block_range_values": (4, 4_096, 0, 9_444),
    "max_block_rounds": (4, 1, 1, 16),
    "max_block_account_transactions": (4, 1_000, 1, 10_000),
    "max_block_work": (8, 800_000_000, 100_000_000, 850_000_000),
    "max_batch_entries": (4, 10_000, 1, 170_000),
    "max_district_students": (4, 200_000, 1, 772_727),
    "max_district_leaves": (4, 2_000_000, 1, 100_000_000),
    "first_school_year": (2, 0, 0, 65_535),
    "last_school_year": (2, 0, 0, 65_535),
    "max_round_requests": (4, 100_000, 1, 340_000),
    "max_round_pairs": (8, 10_000_000, 1, 70_833_333),
    "max_district_round_percent": (4, 50, 1, 100),
    "request_window_ms": (8, 30_000, 2_000, 2_678_400_000),
    "reveal_window_ms": (8, 15_000, 2_000, 2_678_400_000),
    "max_extra_window_ms": (8, 604_800_000, 0, 2_678_400_000),
    "max_seed_attempts": (4, 8, 1, 100),
    "max_class_pools": (4, 2_000, 1, 4_000),
    "max_round_work": (8, 155_000_000, 1, 485_714_000),
    "max_gap_ppm": (4, 3_000, 0, 1_000_000),
    "equity": (4, 73, 0, 1_000),
    "min_cell_students": (4, 10, 1, 1_000),
}


def in_range(p):
    """Ranges, the school years' window, and the three sums that must fit a block."""
    if not all(low <= p[name] <= high for name, (_, _, low, high) in TABLE.items()):
        return False
    first, last = p["first_school_year"], p["last_school_year"]
    if not (first == last == 0 or (first > 0 and first <= last <= first + 7)):
        return False
    values = min(p["max_block_range_values"], 1_024)
    solved = p["max_round_work"] + p["max_round_work"] // 4
    sums = (
        6_381_456 + 1_100 * p["max_district_students"] + 20_000 * p["max_batch_entries"],
        16_381_456 + 90_000 * values + 140_000 * (values // 2) + 1_100 * p["max_round_requests"],
        16_381_456 + 30_000 * p["max_class_pools"] + 2_500 * p["max_round_requests"] + 12 * p["max_round_pairs"]
        + 1_750 * (solved // 1_000))
    return all(s <= p["max_block_work"] for s in sums)


# A record's numbers are not held against the ranges: those are rules of the genesis file.
BODY = Struct(**{name: Number(size) for name, (size, _, _, _) in TABLE.items()})
DEFAULTS = {name: default for name, (_, default, _, _) in TABLE.items()}
