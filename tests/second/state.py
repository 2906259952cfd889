"""Records under the head's state root. EVIDENCE.md, section 8, step 4."""

from codec import need
from keys import labelled, sha256
from merkle import check_nothing, check_present
from records import Tree, key


class State:
    def __init__(self, genesis, head, blocks):
        self.genesis, self.head, self.blocks = genesis, head, blocks
        self.root = head["state_root"]

    def record(self, kind, proved, text, /, *numbers, **names):
        """The record that must stand under a derived key, and must name what `names` says."""
        place = labelled("state-key", key(text, *numbers))
        check_present(self.root, place, sha256(proved["value"]), proved["proof"])
        value = kind.decode(proved["value"])
        for name, expected in names.items():
            need(value[name] == expected, f"a record {text} that names another {name}")
        return value

    def nothing(self, proof, text, *numbers):
        check_nothing(self.root, labelled("state-key", key(text, *numbers)), proof)

    def tree(self, proved, label):
        return self.record(Tree, proved, "tree/" + label, label=label)["head"]
