"""The two kinds of trees. EVIDENCE.md, section 4."""

from codec import need
from keys import labelled, sha256

EMPTY = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"


# Listed trees: RFC 9162, section 2.1.

def leaf_hash(data):
    return sha256(b"\0" + data)


def node_hash(left, right):
    return sha256(b"\1" + left + right)


def tree_root(leaves):
    """2.1.1 over the leaves' bytes, level by level: a last node without a partner rises as it is."""
    if not leaves:
        return sha256(b"")
    level = [leaf_hash(leaf) for leaf in leaves]
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1:]
    return level[0]


def tree_head(leaves):
    return {"leaf_count": len(leaves), "root": tree_root(leaves)}


def check_path(head, leaf, path):
    """2.1.3.2, step by step."""
    need(path["index"] < head["leaf_count"], "a path beyond the tree")
    first, last = path["index"], head["leaf_count"] - 1
    result = leaf_hash(leaf)
    for sibling in path["siblings"]:
        need(last != 0, "a path with a sibling too many")
        if first & 1 or first == last:
            result = node_hash(sibling, result)
            while not first & 1 and first != 0:
                first, last = first >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        first, last = first >> 1, last >> 1
    need(last == 0, "a path with a sibling too few")
    need(result == head["root"], "a path that does not lead to the root")


# Row trees: listed trees over leaves `key ‖ SHA-256(row)`; the key is a handle, or of a round's trees `round_key`.

def row_leaf(key, row):
    return key + sha256(row)


def round_key(district, handle):
    return labelled("round-row", district.to_bytes(2, "little") + handle)


def check_absent(head, handle, before, after):
    for neighbour in (before, after):
        if neighbour:
            check_path(head, neighbour["handle"] + neighbour["row_hash"], neighbour["path"])
    if before:
        need(before["handle"] < handle, "the neighbour before is not before")
    if after:
        need(handle < after["handle"], "the neighbour after is not after")
    if before and after:
        need(before["path"]["index"] + 1 == after["path"]["index"], "the neighbours do not adjoin")
    elif after:
        need(after["path"]["index"] == 0, "the neighbour after is not the first")
    elif before:
        need(before["path"]["index"] == head["leaf_count"] - 1, "the neighbour before is not the last")
    else:
        need(head == tree_head([]), "the tree is not empty")


# Sparse trees.

def bit(place, number):
    return place[number >> 3] >> (7 - (number & 7)) & 1


def sparse_leaf(place, value_hash):
    return sha256(b"JMT::LeafNode" + place + value_hash)


def sparse_root(place, node, siblings):
    """The root above `node`, which stands on the way of `place` below the siblings (lowest first)."""
    need(len(siblings) <= 256, "more siblings than bits")
    depth = len(siblings)
    for position, sibling in enumerate(siblings):
        need(sibling != EMPTY, "an empty sibling written as bytes")
        other = EMPTY if sibling is None else sibling
        on_left = bit(place, depth - 1 - position)
        node = sha256(b"JMT::IntrnalNode" + (other + node if on_left else node + other))
    return node


def check_present(root, place, value_hash, proof):
    need(proof["leaf"] == {"key": place, "value": value_hash}, "a proof of another leaf")
    need(sparse_root(place, sparse_leaf(place, value_hash), proof["siblings"]) == root,
         "a proof that does not lead to the state root")


def check_nothing(root, place, proof):
    leaf, depth = proof["leaf"], len(proof["siblings"])
    node = EMPTY
    if leaf is not None:
        need(leaf["key"] != place, "a proof of absence that shows the thing")
        need(all(bit(leaf["key"], i) == bit(place, i) for i in range(depth)), "a leaf off the way")
        node = sparse_leaf(leaf["key"], leaf["value"])
    need(sparse_root(place, node, proof["siblings"]) == root, "a proof that does not lead to the state root")
