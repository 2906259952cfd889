"""Transactions and receipts that a bundle may show. EVIDENCE.md, section 13."""

from codec import Canonical, Choice, List, Number, Option, Struct, Tuple
from records import Change, ClassTerms, DefineClass
from schema import (
    AccountId, Cents, Certificate, ClassId, DistrictId, Handle, Hash, Header, Height, KindId, Milestone, Name, PeerName, PoolId, Position,
    ProposalId, PublicKey, RoleSet, RoundId, SchoolId, SchoolYear, Signature, TimeMs, Title, ValidatorAddress, ValidatorSet, i64, u8, u16, u32, u64)

Flag = Number(1, 0, 1)

Statement = Struct(said=Choice({1: Tuple(Option(Hash)), 2: Tuple(Option(Hash)), 3: Tuple(Hash, Option(u32))}), signature=Signature)

Payload = Choice({
    1: Struct(name=Name, public_key=PublicKey, roles=RoleSet, district=Option(DistrictId),
              school=Option(SchoolId), possession=Signature),
    2: Struct(change=Change, open_until=Height),
    3: Struct(proposal=ProposalId, choice=Number(1, 1, 2)),
    4: Struct(key=Number(1, 0, 2), public_key=PublicKey, possession=Signature,
              replaces=Option(Struct(public_key=PublicKey, height=Height, signature=Signature))),
    5: Struct(epoch=u32, log_size=u64, root=Hash, consistency=List(Hash)),
    6: Struct(validator=ValidatorAddress, height=Height, signature=Signature),
    7: Struct(school=SchoolId, from_year=SchoolYear, change=Choice({
        1: Struct(name=Title, school_type=Name, position=Option(Position)),
        2: Struct(name=Title, position=Option(Position)), 3: Tuple()})),
    8: Struct(building=Title, version=u32, root=Hash, leaf_count=u64),
    9: Struct(genesis=Hash, public_key=PublicKey, height=Height, round=u32, first=Statement, second=Statement),
    10: Struct(header=Header, certificate=Certificate, new_set=Option(ValidatorSet)),
    40: Struct(school_year=SchoolYear, amount_cents=Cents),
    43: Struct(class_=ClassId, steward=AccountId, granted_cents=Cents),
    60: DefineClass,
    61: Struct(pool=PoolId, class_=ClassId, school=SchoolId, kind=KindId, capacity=u32, floor=u32,
               unit_cost_cents=Cents, funder=AccountId),
    62: Struct(class_=ClassId, extra_request_ms=u64, extra_reveal_ms=u64),
    66: Struct(round=RoundId),
    67: Struct(round=RoundId, pool=PoolId, arrival=Number(1, 1, 2)),
    70: Struct(class_=ClassId, terms=ClassTerms),
    71: Struct(pool=PoolId),
})
BodyKind = Struct(genesis=Hash, account=AccountId, sequence=u64, valid_until_height=Height, payload=Payload)
Body = Canonical(BodyKind, 2_097_152, version=2)
# The body stands in the transaction as its borsh; signed, it is canonical and has its version byte.
Transaction = Canonical(Struct(body=BodyKind, public_key=PublicKey, signature=Signature), 2_097_152, version=2)

CODES = {0, *range(100, 145), *range(146, 215), *range(216, 227), *range(230, 234), *range(240, 244), 250}
# Codes 1 to 10 exist too, but no receipt in a block has one.
Refusal = Struct(rule=lambda v: v["code"] in CODES or 1 <= v["code"] <= 10, entry=u32, code=u8)

Event = Choice({
    1: Tuple(AccountId), 2: Tuple(ProposalId), 3: Tuple(ProposalId, u32, u32), 4: Tuple(ProposalId, Height),
    5: Tuple(ProposalId), 6: Tuple(AccountId), 7: Tuple(DistrictId, u32, u64, Hash),
    8: Tuple(DistrictId, u32, u64, Hash), 9: Tuple(ValidatorAddress, Height),
    10: Tuple(ValidatorAddress, ValidatorAddress, Height), 11: Tuple(PeerName, PeerName),
    12: Tuple(DistrictId, SchoolId, SchoolYear), 13: Tuple(DistrictId, AccountId),
    14: Tuple(DistrictId, Option(DistrictId)), 15: Tuple(AccountId, ValidatorAddress, TimeMs),
    16: Tuple(u32, SchoolYear), 17: Tuple(DistrictId, Title, u32, Hash, u64), 18: Tuple(ValidatorAddress, Height, u32),
    19: Tuple(Hash, Height, Hash),
    20: Tuple(DistrictId, SchoolYear, u32), 21: Tuple(Handle, u16),
    22: Tuple(DistrictId, SchoolYear, Milestone, Flag, u32), 23: Tuple(DistrictId, SchoolYear, u32),
    24: Tuple(RoundId, DistrictId, Handle, Number(1, 0, 5)), 25: Tuple(RoundId, u32),
    40: Tuple(AccountId, SchoolYear, Cents), 41: Tuple(AccountId, SchoolYear, Cents),
    42: Tuple(AccountId, SchoolYear, RoundId, u32), 60: Tuple(ClassId), 61: Tuple(PoolId, Cents),
    62: Tuple(RoundId, Height, TimeMs), 63: Tuple(RoundId),
    64: Tuple(RoundId, u32, u32, List(Refusal)),
    65: Tuple(RoundId), 66: Tuple(RoundId, u32, u32, u32, i64, u32, Hash),
    67: Tuple(RoundId, PoolId, Number(1, 1, 2), Flag), 68: Tuple(RoundId, u32, Option(RoundId)),
    69: Tuple(PoolId, u32, u32, Option(u32)), 70: Tuple(ClassId),
    43: Tuple(AccountId, ClassId, AccountId, Cents, Cents), 71: Tuple(PoolId, Cents), 72: Tuple(RoundId),
    73: Tuple(ClassId, AccountId),
    79: Tuple(RoundId, Flag, List(PoolId), List(SchoolId), u64)})
Receipt = Canonical(
    Struct(transaction=Hash, code=u8, entry=Option(u32), events=List(Event)), 4_194_304)
