"""Public figures and acts. EVIDENCE.md, section 10."""

import records
from codec import need
from keys import labelled, signed
from merkle import check_path
from schema import ascending
from transactions import CODES, Body, Receipt, Transaction

# Of each number: the record's kind, its key's text, its numbers' bytes (None: raw), the names it must bear.
RECORDS = {
    1: (records.Params, "params", (), ()),
    2: (records.Budget, "budget/", (None, 2), ("funder", "school_year")),
    3: (records.Class, "class/", (2,), ()),
    4: (records.Pool, "pool/", (2, 4), ("class_", "pool")),
    5: (records.Report, "report/", (4,), ()),
    6: (records.Validators, "validators", (), ()),
    7: (records.ValidatorInfo, "validator/", (None,), ("address",)),
    8: (records.Member, "member/", (None,), ("account",)),
    9: (records.District, "district/", (2,), ("id",)),
    10: (records.School, "school/", (4,), ("id",)),
    11: (records.Proposal, "proposal/", (4,), ("proposal",)),
    12: (records.MilestonesShown, "milestones_shown/", (2, 1), ("school_year", "kind")),
    13: (records.AccessLog, "access_log/", (2,), ("district",)),
    14: (records.Estate, "estate/", (2,), ("district",)),
    17: (records.Consortium, "consortium/", (None,), ("genesis",)),
    18: (records.AnchoredHead, "consortium_head/", (None, 8), ("genesis", "height")),
}


def figures(state, shown):
    """The standing that the highest report has."""
    need(shown["figures"] or shown["acts"], "neither a record nor an act")
    keys = [(f["key"][0], *f["key"][1]) for f in shown["figures"]]
    need(ascending(keys), "figures that do not strictly ascend")
    found = {}
    for key, figure in zip(keys, shown["figures"]):
        kind, text, sizes, names = RECORDS[key[0]]
        numbers = [v if size is None else (v, size) for v, size in zip(key[1:], sizes)]
        found[key] = state.record(kind, figure["record"], text, *numbers, **dict(zip(names, key[1:])))
        if key[0] == 3:
            need(found[key]["definition"]["class_"] == key[1], "a class that names another")
        if key[0] == 18:
            need(found[key]["at"]["height"] <= state.head["height"], "a head that was anchored after the block shown")
    standing = "stands"
    for key in keys:
        if key[0] == 5:
            owner = found.get((3, found[key]["class_"]))
            need(owner is not None, "a report without its class")
            standing = standing_of(key[1], owner["standing_round"])
    check_acts(state, shown["acts"])
    return standing


def standing_of(round_, standing_round):
    if standing_round == round_:
        return "stands"
    return "replaced" if standing_round is not None and standing_round > round_ else "reverted"


def check_acts(state, acts):
    need(ascending([(a["height"], a["transaction"]["path"]["index"]) for a in acts]),
         "acts that do not strictly ascend")
    for act in acts:
        need(act["height"] in state.blocks, "an act of a block that is not shown")
        check_act(state, act, state.blocks[act["height"]])


def check_act(state, act, header):
    sent, answered = act["transaction"], act["receipt"]
    need(sent["path"]["index"] == answered["path"]["index"], "a receipt at another place than its transaction")
    check_path(header["transactions"], sent["row"], sent["path"])
    check_path(header["receipts"], answered["row"], answered["path"])
    transaction, receipt = Transaction.decode(sent["row"]), Receipt.decode(answered["row"])
    body = transaction["body"]
    need(receipt["transaction"] == labelled("transaction-id", sent["row"]), "a receipt of another transaction")
    need(body["genesis"] == state.genesis["hash"], "a transaction of another ledger")
    need(body["valid_until_height"] >= act["height"], "a transaction that was no longer valid")
    need(signed("transaction-signature", Body.encode(body), transaction["public_key"], transaction["signature"]),
         "a transaction's signature does not hold")
    need(receipt["code"] in CODES, "a code that is none")
