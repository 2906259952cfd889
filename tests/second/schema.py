"""The types of sections 2 and 3: names, numbers, blocks and the bundle itself."""

import re
import unicodedata

from codec import Blob, Canonical, Choice, Fixed, List, Number, Option, Struct, Text, Tuple, need
from keys import ORDER, labelled

u8, u16, u32, u64, i64 = Number(1), Number(2), Number(4), Number(8), Number(8, signed=True)
i32 = Number(4, signed=True)
Hash = Handle = Commitment = Secret = PublicKey = Fixed(32)
Signature = Fixed(64)
AccountId = ValidatorAddress = Fixed(20)
Height = TimeMs = Cents = u64
RoundId = PoolId = SchoolId = ProposalId = u32
ClassId = DistrictId = SchoolYear = u16
KindId = u8
Band = Number(1, 0, 9)
Position = Struct(latitude_e6=Number(4, -90_000_000, 90_000_000, signed=True),
                  longitude_e6=Number(4, -180_000_000, 180_000_000, signed=True))
RoleSet = Number(1, 0, 63)
Milestone = Number(1, 0, 4)


def matches(pattern):
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


# Signs that turn the direction of writing are refused as controls are (Unicode's property Bidi_Control).
BIDI_CONTROLS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_title(text):
    controls = any(unicodedata.category(c) == "Cc" or c in BIDI_CONTROLS for c in text)
    return 1 <= len(text.encode()) <= 120 and not controls and text == text.strip()


is_name = matches(r"[a-z0-9][a-z0-9-]{0,39}")
is_peer = matches(r"[A-Za-z0-9]{40,64}")
is_hint = matches(r"/[!-~]{0,119}")
is_field_name = matches(r"[A-Za-z0-9_\-:./]{1,64}")
ChainId = Text(matches(r"[a-z0-9-]{1,49}"))
Name = Text(is_name)
Title = Text(is_title)
PeerName = Text(is_peer)
ListenHint = Text(is_hint)
Term = Text(matches(r"[A-Za-z0-9_-]{1,40}"))
FieldName = Text(is_field_name)


def ascending(values):
    return all(a < b for a, b in zip(values, values[1:]))


# Section 3: blocks.

TreeHead = Struct(leaf_count=u64, root=Hash)
FIRST_PROTOCOL, NEWEST_PROTOCOL = 1, 3


class BareHeader(Struct):
    """A header of protocol 1, as it stands in bundles of version 7: its fields, and nothing that says so."""

    def __init__(self):
        super().__init__(
            protocol=u16, genesis=Hash, height=Height, time_ms=TimeMs, parent=Hash, proposer=ValidatorAddress,
            transactions=TreeHead, receipts=TreeHead, students=TreeHead, state_root=Hash,
            validators_hash=Hash, next_validators_hash=Hash)

    def read(self, reader, protocol=FIRST_PROTOCOL):
        rest = {name: kind.read(reader) for name, kind in self.fields.items() if name != "protocol"}
        return {"protocol": protocol, **rest}

    def write(self, value):
        return b"".join(kind.write(value[name]) for name, kind in self.fields.items() if name != "protocol")


class VersionedHeader(BareHeader):
    """Any header: 2 and the fields of protocol 1, or 3, the protocol, and the fields."""

    def read(self, reader):
        version = reader.take(1)[0]
        need(version in (2, 3), "a header of another version")
        return super().read(reader, FIRST_PROTOCOL if version == 2 else u16.read(reader))

    def write(self, value):
        first = value["protocol"] == FIRST_PROTOCOL
        return (b"\2" if first else b"\3" + u16.write(value["protocol"])) + super().write(value)


Header = VersionedHeader()
Certificate = Struct(
    height=Height, round=u32, block_hash=Hash, signatures=List(Tuple(ValidatorAddress, Signature)))


def set_is_well_formed(validators):
    members = validators["members"]
    return (1 <= len(members) <= 200
            and ascending([m["address"] for m in members])
            and all(labelled("validator-address", m["public_key"])[:20] == m["address"] for m in members)
            and all(m["power"] > 0 for m in members)
            and 3 * sum(m["power"] for m in members) < 1 << 64)


ValidatorSet = Struct(
    rule=set_is_well_formed,
    members=List(Struct(address=ValidatorAddress, public_key=PublicKey, power=u64)))
CanonicalSet = Canonical(ValidatorSet, 65_536)
Vote = Canonical(Struct(
    genesis=Hash, type=u8, height=Height, round=u32, block_hash=Option(Hash), validator=ValidatorAddress),
    256, version=2)

# Section 2: the bundle.

RangeProof = Blob()


class FlagProof(Fixed):
    """Two points and three scalars below the group order."""

    def __init__(self):
        super().__init__(160)

    def read(self, reader):
        proof = super().read(reader)
        need(all(int.from_bytes(proof[at:at + 32], "little") < ORDER for at in (64, 96, 128)), "a scalar out of range")
        return proof


MapProof = Struct(leaf=Option(Struct(key=Hash, value=Hash)), siblings=List(Option(Hash), 256))
Proved = Struct(value=Blob(), proof=MapProof)
Lookup = Choice({1: MapProof, 2: Proved})
Path = Struct(index=u64, siblings=List(Hash, 64))
ProvedRow = Struct(row=Blob(), path=Path)
Records = List(Proved, 16_384)
Context = Struct(
    round=RoundId, record=Proved, class_=Proved, twin=Proved, decision=Proved, reversion=Lookup, pools=Records,
    schools=Records, requests=Proved, decisions=Proved)
# A row by its position, or a refused request's claim that a proof made for both still needs.
BandEntry = Choice({0: Tuple(u32), 1: Struct(handle=Handle, band=Band, inputs=List(Commitment))})
NeedProof = Struct(ranges=List(RangeProof), flags=List(FlagProof()))
Round = Struct(
    context=Context, budgets=Records, power=Proved, shares=Records, certificate=Proved, plain=Proved, report=Proved,
    rows=List(Struct(request=Blob(), decision=Blob())),
    bands=List(Struct(entries=List(BandEntry, 8), proof=NeedProof)))
Allocation = Struct(
    context=Context, district=DistrictId, handle=Handle, request=ProvedRow, band=Choice({1: Tuple(), 2: NeedProof}),
    decision=ProvedRow)
Opened = Struct(
    field=Text(), value=Blob(), salt=Fixed(32), blinding=Option(Fixed(32)), siblings=List(Option(Hash), 256))
Neighbour = Struct(handle=Handle, row_hash=Hash, path=Path)
Student = Struct(
    district=DistrictId, school_year=SchoolYear, handle=Handle, shown=Choice({
        1: Struct(tree=Proved, row=ProvedRow, opened=Option(List(Opened, 2_048))),
        2: Struct(tree=Proved, before=Option(Neighbour), after=Option(Neighbour)),
        3: MapProof}))
Budget = Struct(
    funder=AccountId, school_year=SchoolYear, budget=Proved, statement=Proved,
    floor=Choice({1: MapProof, 2: Struct(statement=Proved, decision=Proved)}))
MilestoneShown = Struct(district=DistrictId, handle=Handle, number=u16, record=Proved, superseded=Lookup)
Charged = Struct(budget=Budget, classes=List(Struct(
    class_=ClassId, record=Proved, pools=List(Tuple(PoolId, Proved), 16_384)), 16_384))
Access = Struct(district=DistrictId, log=Proved, listed=Option(Struct(entry=Blob(), path=Path)))
Estate = Struct(district=DistrictId, estate=Proved, shown=Option(Struct(building=Title, row=Blob(), path=Path)))
FigureKey = Choice({
    1: Tuple(), 2: Tuple(AccountId, SchoolYear), 3: Tuple(ClassId), 4: Tuple(ClassId, PoolId),
    5: Tuple(RoundId), 6: Tuple(), 7: Tuple(ValidatorAddress), 8: Tuple(AccountId), 9: Tuple(DistrictId),
    10: Tuple(SchoolId), 11: Tuple(ProposalId), 12: Tuple(SchoolYear, Milestone), 13: Tuple(DistrictId),
    14: Tuple(DistrictId), 17: Tuple(Hash), 18: Tuple(Hash, Height)})
Act = Struct(height=Height, transaction=ProvedRow, receipt=ProvedRow)
Figures = Struct(figures=List(Struct(key=FigureKey, record=Proved), 16_384), acts=List(Act))
Subject = Choice({1: Round, 2: Allocation, 3: Student, 4: Budget, 5: Access, 6: Figures, 7: MilestoneShown, 8: Estate,
    9: Charged})


def bundle_with(header):
    signed = Struct(header=header, certificate=Certificate)
    link = Struct(block=signed, new_set=Option(ValidatorSet))
    return Struct(links=List(link, 65_536), head=signed, chain_record=Proved, subject=Subject)


Bundle = bundle_with(Header)
FIRST_BUNDLE = bundle_with(BareHeader())
BUNDLES = {7: FIRST_BUNDLE, 8: Bundle}


def version_of(bundle):
    """7 when it shows protocol 1 alone."""
    blocks = [*(link["block"] for link in bundle["links"]), bundle["head"]]
    return 7 if all(block["header"]["protocol"] == FIRST_PROTOCOL for block in blocks) else 8


BUNDLE_LIMIT = 134_217_728
