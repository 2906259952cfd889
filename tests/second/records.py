"""The records of the state, the rows of trees, and their keys. EVIDENCE.md, section 6."""

from codec import Array, Blob, Canonical, Choice, Fixed, List, Number, Option, Struct, Text, Tuple
from schema import (
    AccountId, Band, Cents, ChainId, ClassId, Commitment, DistrictId, FieldName, Handle, Hash, Height, KindId,
    ListenHint, Milestone, Name, PeerName, PoolId, Position, ProposalId, PublicKey, RangeProof, RoleSet, RoundId,
    SchoolId, SchoolYear, Secret, Signature, Term, TimeMs, Title, TreeHead, ValidatorAddress, ValidatorSet, ascending, i64, u8, u16, u32,
    u64)
import params
from twin import TwinParameters

ParamsBody = params.BODY
Place = Struct(height=Height, time_ms=TimeMs)
NodeRequest = Struct(
    name=Name, account_key=PublicKey, roles=RoleSet,
    district=Option(Struct(id=DistrictId, name=Option(Title))), validator_key=PublicKey, seed_key=PublicKey, peer_id=PeerName,
    listen=ListenHint, account_signature=Signature, validator_signature=Signature)
Change = Choice({
    0: Tuple(AccountId), 1: Tuple(AccountId), 2: Tuple(PeerName, ListenHint, AccountId), 3: Tuple(PeerName),
    4: Tuple(Name, PublicKey, u32, AccountId, PeerName, PublicKey), 5: Tuple(ValidatorAddress), 6: Tuple(ParamsBody),
    7: Tuple(AccountId, RoleSet, Option(DistrictId), Option(SchoolId)), 8: Tuple(Title, Height),
    9: Tuple(ClassId, AccountId), 10: Tuple(RoundId, Option(Hash)), 11: Tuple(RoundId),
    20: Tuple(DistrictId, Title, AccountId), 21: Tuple(DistrictId, Option(DistrictId)), 22: Tuple(NodeRequest),
    23: Tuple(ValidatorAddress, PublicKey, Signature), 24: Tuple(u16, Height, Title), 26: Tuple(Hash, Title, TimeMs, ValidatorSet),
    30: Tuple(SchoolYear, TwinParameters)})
Vote = Struct(account=AccountId, choice=Number(1, 1, 2))
FairShare = Struct(penalty=u32, min_share_percent=u8)
ClassTerms = Struct(
    fair_share=Option(FairShare), acknowledge_within_ms=Option(u64), cadence=Number(1, 0, 3))
DefineClass = Struct(
    class_=ClassId, title=Title, school_year=SchoolYear, kinds=List(Name), tier_costs=Array(u32, 3), rank_step=u32,
    waitlist_cost=Option(u32), opens_ms=TimeMs, closes_ms=TimeMs,
    steward=Option(AccountId))
Prices = Struct(pools=List(i64), schools=List(i64))
Optimum = Struct(
    version=Number(1, 1, 1), objective=i64, dual=i64, gap_ppm=u32, prices=Prices,
    draw=Option(Struct(ticket_sum=i64, prices=Prices)))
Counts = Struct(
    requests=u32, placed=u32, waitlisted=u32, first_choice=u32, by_tier=Array(u32, 3), mandated=u32,
    mandates_met=u32, by_band=Array(Struct(requests=u32, placed=u32, first_choice=u32), 10))
Cell = Struct(students=u32, first_choice=u32, waitlisted=u32, placed_per_weighted_pupil_e6=u64)
Groups = Struct(
    cells=List(Struct(group=u32, cell=Option(Cell))), first_choice_ratio_ppm=Option(u32),
    placed_ratio_ppm=Option(u32))


def lines_in_order(statement):
    return 1 <= len(statement["lines"]) <= 4096 and ascending([line["school"] for line in statement["lines"]])


TwinVersion = Canonical(Struct(
    version=u32, from_year=SchoolYear, voted=Height, digest=Hash, parameters=TwinParameters), 32_768)
Chain = Canonical(Struct(chain_id=ChainId, genesis_sha256=Hash, height=Height, time_ms=TimeMs), 256)
Params = Canonical(ParamsBody, 1_024, version=4)
Validators = Canonical(Struct(now=ValidatorSet, next=ValidatorSet, after=ValidatorSet), 196_608)
ValidatorInfo = Canonical(
    Struct(address=ValidatorAddress, name=Name, operator=AccountId, peer_id=PeerName, rotated_ms=Option(TimeMs),
           seed=AccountId), 256, version=3)
Member = Canonical(Struct(
    account=AccountId, name=Name, roles=RoleSet, district=Option(DistrictId), school=Option(SchoolId),
    standing=Number(1, 0, 2), since=Height), 256)
District = Canonical(Struct(
    id=DistrictId, name=Title, admitted=Height,
    closed=Option(Struct(height=Height, successor=Option(DistrictId)))), 256, version=2)
School = Canonical(Struct(
    id=SchoolId, district=DistrictId, school_type=Name, from_year=SchoolYear, closed_from=Option(SchoolYear),
    described=List(Struct(from_year=SchoolYear, name=Option(Title), position=Option(Position)))), 4_096, version=2)
Proposal = Canonical(Struct(
    proposal=ProposalId, proposer=AccountId, change=Change, proposed=Height, open_until=Height, votes=List(Vote),
    status=Choice({0: Tuple(), 1: Tuple(Height), 2: Tuple(Height)})), 262_144)
MilestoneRecord = Canonical(Struct(
    handle=Handle, number=u16, district=DistrictId, school_year=SchoolYear, kind=Milestone, evidence=Hash,
    supersedes=Option(u16), mastered=Option(Struct(skill=u16, commitment=Commitment, anchored=Height)),
    recorded_by=AccountId, recorded=Height), 256)
MilestonesShown = Canonical(Struct(school_year=SchoolYear, kind=Milestone, at_least=u32), 16)
AccessLog = Canonical(Struct(
    district=DistrictId, epoch=u32, head=TreeHead, anchors=u32, by=AccountId, at=Place), 128)
Estate = Canonical(Struct(district=DistrictId, buildings=List(Struct(
    building=Title, version=u32, head=TreeHead, by=AccountId, at=Place))), 131_072)
HeadFields = Struct(
    genesis=Hash, height=Height, time_ms=TimeMs, block_hash=Hash, state_root=Hash, by=AccountId, at=Place)
AnchoredHead = Canonical(HeadFields, 256)
Consortium = Canonical(Struct(
    genesis=Hash, name=Title, founded_ms=TimeMs, founders_hash=Hash, admitted=Height, heads=u64, newest=Option(HeadFields),
    next=ValidatorSet), 16_384)
Budget = Canonical(Struct(
    funder=AccountId, school_year=SchoolYear, funded_cents=Cents, charged_cents=Cents), 128)
StatedBudget = Canonical(Struct(
    rule=lines_in_order,
    funder=AccountId, school_year=SchoolYear, as_of=Height, total_cents=Cents,
    lines=List(Struct(school=SchoolId, amount=Commitment)), ranges=List(RangeProof), schnorr=Fixed(64),
    stated=Height), 524_288)
StatedEquity = Canonical(Struct(
    funder=AccountId, school_year=SchoolYear, round=RoundId, floor_cents=u32, budget_stated=Height,
    weights=List(Commitment), proofs=List(RangeProof), stated=Height), 524_288)
Class = Canonical(Struct(
    definition=DefineClass, steward=AccountId, terms=ClassTerms, pools=u32, retired=u32, open_round=Option(RoundId),
    standing_round=Option(RoundId), opened_ms=Option(TimeMs), last_draw=Option(RoundId)), 4_096)
Pool = Canonical(Struct(
    pool=PoolId, class_=ClassId, school=SchoolId, kind=KindId, capacity=u32, floor=u32, unit_cost_cents=Cents,
    funder=AccountId, steward=AccountId, defined=Height, retired=Option(Height)), 128)
Round = Canonical(Struct(
    round=RoundId, class_=ClassId, school_year=SchoolYear, opened=Height, opened_ms=TimeMs, request_window_ms=u64,
    reveal_window_ms=u64, attempt=u32, window=Number(1, 0, 3), since=Place, ends=Place, requests_until=Option(Height),
    follows=Option(RoundId), parameters=u32, equity=u32, terms=ClassTerms, requests=u32, pairs=u64,
    status=Choice({0: Tuple(), 1: Tuple(Height), 2: Tuple(Height)})), 256)
Decision = Canonical(Struct(
    round=RoundId, class_=ClassId, height=Height, requests=TreeHead, decisions=TreeHead, seed=Hash,
    seed_round=RoundId, attempt=u32, draw=u32,
    revealed=List(AccountId), withheld=List(AccountId), objective=i64, dual=i64, gap_ppm=u32, work=u64,
    max_work=u64, max_gap_ppm=u32, certificate_sha256=Hash,
    prices=List(Struct(pool=PoolId, price=Option(i64), used=u32)),
    school_prices=List(Struct(school=SchoolId, price=i64)), report=Counts, replaces=Option(RoundId)), 524_288)
Reversion = Canonical(Struct(
    round=RoundId, proposal=ProposalId, at=Place, reason=Option(Hash), freed=u32, standing=Option(RoundId)), 128)
SeedPower = Canonical(Struct(round=RoundId, total=u64, sharers=List(Struct(
    account=AccountId, validator=ValidatorAddress, operator=AccountId, power=u64))), 16_384)
SeedShare = Canonical(Struct(account=AccountId, commitment=Hash, secret=Option(Secret)), 256)
CertificateRecord = Canonical(Blob(), 4_194_304)
Plain = Canonical(Option(Struct(assignment=List(u32), certificate=Optimum)), 8_388_608)
Report = Canonical(Struct(
    class_=ClassId, min_cell_students=u32, fairness_work=u64, students=Option(u32), mandates=Option(u32),
    mandates_met=Number(1, 0, 1), gini_ppm=u32, bottom_decile_utility_e4=Option(u32),
    justified_envy_pairs=Option(u64), price_of_fairness_ppm=Option(u64), by_band=Groups, by_school=Groups,
    by_district=Groups, pools=List(Struct(pool=PoolId, demand=Option(u32))), objective=i64, dual=i64, gap_ppm=u32,
    totals=Option(Cell), by_tier=Option(Array(u32, 3)),
    prices=List(Struct(pool=PoolId, price=Option(i64), used=Option(u32)))), 1_048_576, version=3)
Tree = Canonical(Struct(label=Text(), head=TreeHead), 256)

# Rows.

Request = Canonical(Struct(
    district=DistrictId, handle=Handle, home_school=SchoolId, band=Band, mandate=Number(1, 0, 1), kinds=List(KindId),
    state_row=Hash, inputs=List(Commitment)), 512)
Placement = Canonical(Struct(
    placement=Choice({0: Tuple(), 1: Struct(pool=PoolId, rank=u8, tier=u8)}), weight=u32, cost=u32), 64)
StudentField = Choice({0: Tuple(), 1: Tuple(), 2: Tuple(), 3: Tuple(u16), 4: Tuple(u8)})
StudentRow = Canonical(Struct(
    version=u32, state_hash=Hash, home_school=SchoolId, inputs=List(Commitment),
    commitments=List(Struct(field=StudentField, commitment=Commitment)), parameters=u32, model_digest=Hash,
    event_watermark=u64, anchored=Height), 1_024)
LogEntry = Canonical(Struct(
    genesis=Hash, number=u64, time_ms=TimeMs, district=DistrictId, handle=Handle, reader=Name, role=Term,
    class_=Term, purpose=Term, basis=Option(Number(1, 0, 3)),
    relation=Option(Choice({0: Tuple(), 1: Tuple(Term), 2: Tuple(SchoolId)})), fields=List(FieldName, 64),
    outcome=Choice({0: Tuple(), 1: Tuple(Number(1, 0, 7))}), salt=Fixed(16)), 8_192, version=4)


def key(text, *numbers):
    """A record's key: text, then numbers as (value, bytes) big endian or raw bytes, with nothing between."""
    return text.encode() + b"".join(
        n if isinstance(n, bytes) else n[0].to_bytes(n[1], "big") for n in numbers)
