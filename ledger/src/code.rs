//! Outcome codes: numbers in receipts, words for people.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Serialize, Serializer};

/// Declares [`Code`] with its words in one list, so that no code is without an explanation.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $words:literal;)*) => {
        /// The outcome of a transaction. 0 is accepted; 1 to 99 make a BLOCK invalid and are told to the
        /// submitter; 100 and above are rejections by the state: writes rolled back, sequence consumed,
        /// receipt kept. Numbers are never reused. [`Code::explain`] says each in words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
        #[borsh(use_discriminant = true)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// All codes, by ascending number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code's name, for example `WrongSequence`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What happened and what the submitter can do.
            pub const fn explain(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

codes! {
    /// The transaction had its effect.
    Accepted = 0, "executed";
    /// Bytes are not a canonical transaction.
    Malformed = 1, "the bytes are not a canonical transaction; build and sign it again with this version";
    /// The signature does not verify.
    BadSignature = 2, "the signature does not verify; sign the body again with the account's key";
    /// Signed for another genesis.
    WrongChain = 3, "the transaction is for another chain; take the chain id from this chain's genesis";
    /// Not the account's next sequence number (also: a replay).
    WrongSequence = 4, "the sequence number is not the account's next one; ask for it and sign again";
    /// `valid_until_height` is past.
    Expired = 5, "the transaction's last height is past; sign it again with a later one";
    /// No such account, or one that is not an admitted member's.
    UnknownAccount = 6, "no admitted member has this account; register it and have it admitted by vote";
    /// Signed with a key that is not the account's current one.
    KeyNotCurrent = 7, "the key is not the account's current one; sign with the key it was rotated to";
    /// A payload breaks a rule that needs no state.
    InvalidPayload = 8, "a field is out of its range, empty, or not in its order; correct the payload";
    /// More bytes than a transaction may have.
    Oversized = 9, "the transaction has more bytes than allowed; split the batch";
    /// A kind that blocks of the protocol in force do not hold.
    NotInProtocol = 10, "blocks of the protocol in force hold no such transaction; vote for the next protocol first";

    /// The sender's role may not send this.
    RoleNotAllowed = 100, "none of the sender's roles may send this; let a member with such a role send it";
    /// A batch has more entries than the parameter allows.
    BatchTooLarge = 101, "the batch has more entries than max_batch_entries; split it";
    /// A record would be larger than any reader takes.
    RecordTooLarge = 102, "a record of this would be larger than any node reads; make the round, class or batch smaller";

    /// A school of this number exists.
    SchoolExists = 103, "a school of this number exists; choose another number";
    /// The school takes nothing of that school year.
    SchoolClosed = 104, "the school takes no students or pools of that school year: it opens later or is closed; name another school or year";
    /// A district of this number exists.
    DistrictExists = 105, "a district of this number exists; choose another number, or leave out the name to act for that one";
    /// The district was closed.
    DistrictClosed = 106, "the district was closed by vote; its successor acts for it, if it has one";
    /// The named member acts for another district.
    ActsElsewhere = 107, "the named member acts for another district or school; name another operator, or give it other roles by vote first";
    /// Pools stand at the school.
    SchoolInUse = 108, "pools of that school year or a later one stand at the school; retire them first, or close the school from a later year";
    /// A school's change is from a school year that is over.
    SchoolYearPast = 109, "the change would hold from a school year that takes no states any more, or after the school's last one; name a later year";

    /// A member of this name is registered.
    NameTaken = 110, "a member of this name is registered; choose another name";
    /// A member of this key is registered.
    AccountExists = 111, "a member with this key is registered; use another key";
    /// No member has this account.
    UnknownMember = 112, "no member has the named account; register it first";
    /// The member already stands as the change would have it.
    StandingUnchanged = 113, "the member already stands as the change would have it; nothing to vote on";
    /// The consortium would have no voting member left.
    LastConsortiumMember = 114, "nobody could vote any more; admit another consortium member first";
    /// No such proposal.
    UnknownProposal = 115, "no change of this number was proposed; look it up";
    /// The proposal is applied, refused or past its last height.
    ProposalClosed = 116, "voting on this change is over; propose it again";
    /// The member has voted on it.
    AlreadyVoted = 117, "this member has voted on it; a vote cannot be changed";
    /// A proposal's last height is past or too far ahead.
    VotingPeriod = 118, "the last height for votes is past or too far ahead; choose one nearer";
    /// The peer is admitted.
    PeerExists = 119, "this peer is admitted; nothing to do";
    /// No such peer is admitted.
    UnknownPeer = 120, "this peer is not admitted; admit it by vote first";
    /// The peer belongs to a validator.
    PeerInUse = 121, "a validator uses this peer; remove the validator first";
    /// The validator is in the set.
    ValidatorExists = 122, "this key, name or peer is a validator's; use another";
    /// No such validator is in the set.
    UnknownValidator = 123, "no validator has this address; look it up";
    /// The last validator cannot be removed.
    LastValidator = 124, "the chain would stop; add another validator first";
    /// The set would be too large or its power would not fit.
    ValidatorLimit = 125, "too many validators or too much power; remove one first or give less power";
    /// The new key is the current one.
    KeyUnchanged = 126, "the new key is the current one; make a new key";
    /// The new key's owner did not sign.
    PossessionNotProved = 127, "the key did not sign for this chain and account; sign the statement with that key";
    /// Neither the genesis nor a vote has admitted one of this number.
    UnknownDistrict = 128, "the consortium has no district of this number";
    /// No such school, or not of this district.
    UnknownSchool = 129, "this district has no school of this number";
    /// An upgrade's height is past.
    UpgradePast = 130, "the upgrade's height is past; choose a later one";

    /// The access log has as many entries anchored, or more.
    AccessLogNotLonger = 131, "the anchored access log is as long or longer; anchor again once it has grown";
    /// The access log does not extend the anchored one.
    AccessLogInconsistent = 132, "the access log does not extend the anchored one; prove it from its size, or begin the next epoch after a restore";
    /// The access log's epoch is neither the anchored one nor the next.
    AccessEpoch = 133, "the access log's epoch is neither the anchored one nor the next; take it from the ledger";

    /// No validator of the sender's waits.
    NothingWaits = 134, "no validator of this address and operator waits to be ready; look at /v1/validators, or have the node admitted by vote";
    /// The time to be ready is over.
    ReadyLate = 135, "more than seven days of block time passed since the node was admitted; have its validator added by another vote";
    /// The live power would be too small.
    TooLittleLivePower = 136, "with another validator the live ones would hold two thirds of the power or less; wait until more validators propose again";
    /// Signed too long ago, or for a height that has not been.
    StatementStale = 137, "the signed height is past by more than 100 blocks, or not reached; sign again at the tip";
    /// The key was one on this chain.
    KeyUsed = 138, "this key was in use on this chain, or is; make a new key";
    /// The validator's key was replaced lately, or too many are being replaced.
    RotationLimit = 139, "a validator's key is replaced once in 30 days, and at a time those of less than a third of the power; wait, or replace it by vote";

    /// A state's home school is not one of the sender's district.
    ForeignSchool = 140, "the entry's home school is not one of the sender's district; correct the entry";
    /// A state's version is not above the anchored one.
    VersionNotHigher = 141, "the entry's version is not above the anchored one; anchor the newer state";
    /// The handle is not in the district's tree of that year.
    UnknownHandle = 142, "the handle was never anchored by this district in that year; anchor it first";
    /// A milestone of this number stands.
    MilestoneImmutable = 143, "a recorded milestone never changes; record a correction that supersedes it";
    /// A milestone's number leaves a gap.
    MilestoneGap = 144, "the milestone's number is not the next of this handle; use the next";
    /// The milestone has been superseded.
    MilestoneSuperseded = 146, "that milestone has been superseded; supersede the newest correction";
    /// A district's tree would have too many rows.
    TooManyStudents = 147, "the district's tree would exceed max_district_students; vote for a higher limit";
    /// The anchored state commits to no such field, or not with a point.
    NotCommitted = 148, "the anchored state has no usable commitment to the field to be proved; anchor it with one";
    /// A proof does not hold.
    ProofRejected = 149, "a proof does not hold for the anchored commitment; prove it for this chain, moment and claim";
    /// The round's seed did not draw this handle.
    NotDrawn = 150, "the round's seed did not draw this student for an audit; `aula evidence sample` lists who is";
    /// The audited leaf is not the one the request spoke of.
    OtherState = 151, "the audited state is not the one the student's request spoke of; audit that one";
    /// A result is on record.
    AuditRecorded = 152, "a result on this student and round is on record; it never changes";
    /// The school year takes no states now.
    SchoolYearClosed = 153, "the school year takes no states now: it is neither the current one, the one before nor the next, or outside the voted ones";
    /// The district has as many leaves in all years as allowed.
    TooManyLeaves = 154, "the district would exceed max_district_leaves over all its school years; vote for a higher limit";

    /// The family's word on this purpose stands already.
    ConsentUnchanged = 155, "this word stands already, or was never given; there is nothing to change";
    /// The student was erased.
    HandleErased = 156, "the handle's student was erased; it takes no new state, consent, milestone or request";

    /// The states name other parameters than those in force.
    ParametersNotInForce = 157, "the twins' parameters of this version or digest are not in force for the school year; take those of /v1/twin-parameters, fold and anchor again";
    /// The leaf was anchored under other parameters than the round's.
    OtherParameters = 158, "the entry's state was anchored under other twin parameters than the round goes by; fold and anchor it again before the next round opens";
    /// No further version.
    TwinVersionLimit = 159, "the chain has as many versions of the twins' parameters as it may; set what an Upgrade allows";

    /// A budget would exceed what a number holds.
    BudgetOverflow = 160, "the budget would exceed what can be counted; fund less";
    /// The funder has funded nothing in the class's school year.
    UnknownBudget = 161, "this funder has no budget for the class's school year; fund it first";
    /// The budget has too little left.
    OverBudget = 162, "the pool costs more than the budget has left; fund more or define a smaller pool";
    /// Another's budget, without a grant.
    ForeignBudget = 163, "this funder granted the class's steward nothing for this class; ask for a GrantBudget, or charge your own budget";
    /// No budget is stated.
    NoStatement = 164, "this funder has not stated that year's budget by school; send a BudgetStatement first";
    /// The stated amounts are not all of the money.
    TotalDiffers = 165, "the stated total is not what is charged to the budget that year (by protocol 1 and 2, what is funded), or pools were opened or retired since the block that it was made on; state all of it anew";
    /// A statement is as of a height that has not been.
    StatementAhead = 166, "the statement is as of a height that is not decided yet; make it on a decided state";
    /// A school with requests has no line.
    SchoolMissing = 167, "every school of the round must have a line in the stated budget; state it with all of them";
    /// The round is of another school year.
    OtherYear = 168, "the round is of another school year than the statement; name a round of that year";

    /// The grant has too little left.
    OverGrant = 169, "the pool costs more than its funder's grant has left; ask for a larger grant or define a smaller pool";
    /// The named account is not the class's steward.
    OtherSteward = 170, "the named account is not the class's steward and has no grant of yours; name the class's steward";

    /// The protocol is not the next one.
    ProtocolStep = 171, "protocols follow one another: name the one after the one in force, or the one in force to take a voted switch back";

    /// Evidence of another chain.
    ForeignEvidence = 172, "the evidence is of another chain; report it there";
    /// Evidence of a height too far back, or of one that is not decided.
    EvidenceStale = 173, "the evidence is of a height more than 100,000 blocks back, or of one that is not decided yet; it counts no more, or not yet";
    /// No such consortium.
    UnknownConsortium = 174, "no consortium of this genesis is admitted here; have it admitted by vote (`aula consortium propose --consortium GENESIS`)";
    /// The consortium is admitted, or is this one.
    ConsortiumKnown = 175, "a consortium of this genesis is admitted already, or it is this ledger itself; there is nothing to admit";
    /// A newer head is anchored.
    StaleHead = 176, "this head of the consortium or a newer one is anchored; bring the newest";
    /// Another block is anchored where this one would stand.
    ConflictingHead = 177, "the head contradicts what is anchored: another block stands at its height, or it does not follow the newest head; ask that consortium which of its blocks is real";
    /// A change of the consortium's validators is not anchored.
    HeadSetUnknown = 178, "the head was decided by validators that do not follow from the anchored heads; anchor the block first that announced them";
    /// The head's certificate does not hold.
    HeadNotCertified = 179, "the head's certificate does not hold for the consortium's validators; fetch header and certificate again from a node of that consortium";

    /// A class of this number exists.
    ClassExists = 180, "a class of this number exists; choose another number";
    /// No such class.
    UnknownClass = 181, "no class of this number; define it first";
    /// A pool of this number exists.
    PoolExists = 182, "a pool of this number exists; choose another number";
    /// The class has a pool of this school and kind.
    PoolRepeated = 183, "the class has a pool of this kind at this school; there is one a school and kind";
    /// The class has no such kind.
    UnknownKind = 184, "the class has no such kind; its definition lists them";
    /// The class has as many pools as allowed.
    TooManyPools = 185, "the class has max_class_pools pools; vote for a higher limit";
    /// A round of the class is open.
    RoundOpen = 186, "a round of this class is open; run it: it is decided then, or another may take its place; or vote to cancel it";
    /// The class has no pools.
    NoPools = 187, "the class has no pools; define one first";
    /// Block time is outside the class's calendar.
    OutsideCalendar = 188, "the class's calendar does not allow a round now; wait, or define a class for later";
    /// No such round.
    UnknownRound = 189, "no round of this number; open it first";
    /// The round is decided or was given up.
    RoundClosed = 190, "the round is decided or given up; open another";
    /// Past the last height for commits and requests.
    RequestsClosed = 191, "the round takes no more requests or commitments now; wait for the next round or attempt";
    /// Not the window for reveals.
    NotRevealTime = 192, "shares are revealed in the window after the commitments'; wait for it, or for the next attempt";
    /// Reveals are not over.
    TooEarlyToRun = 193, "the round may run in a block after the one that closed its reveals; wait";
    /// The member has committed.
    AlreadyCommitted = 194, "this account has committed to a share of this attempt's seed; there is one each";
    /// The member has not committed.
    NoCommitment = 195, "this account has no commitment in this attempt; there is nothing to reveal";
    /// The secret is not the committed one.
    WrongReveal = 196, "the secret is not the one committed to; reveal that one";
    /// The share is revealed.
    AlreadyRevealed = 197, "this share is revealed; nothing to do";
    /// The state was anchored at or after the round's opening.
    AnchoredTooLate = 198, "the entry's state was anchored after the round opened; request in the next round";
    /// The home school differs from the anchored one.
    HomeSchoolDiffers = 199, "the entry's home school is not the anchored one; anchor it or correct the entry";
    /// Nothing the request names can be given.
    NothingEligible = 200, "no pool is eligible for the entry, and it may not wait; rank other kinds";
    /// The round has as many requests as allowed.
    TooManyRequests = 201, "the round would exceed max_round_requests; vote for a higher limit";
    /// No assignment meets floors and mandates.
    Infeasible = 202, "floors and mandates cannot all be met; add places or lower floors, then open a new round";
    /// The optimizer reached its work bound without a good enough proof.
    NotProved = 203, "the result is not proved close enough to the optimum; vote for a higher max_round_work";
    /// The round has no decision.
    NotDecided = 204, "the round has no decision; run it first";
    /// The decision does not stand.
    NotStanding = 205, "this decision was reverted or replaced; name the round whose decision stands";
    /// The school owes no acknowledgement.
    NothingToAcknowledge = 206, "nothing of this pool is to be acknowledged in this round; check round and pool";
    /// The pool is at another's school.
    ForeignPool = 207, "the pool is not at a school the sender acts for; let that school or its district send it";
    /// The school was faster, or the sender sent it twice.
    AlreadyAcknowledged = 208, "the school has acknowledged these places; nothing to do";
    /// A deadline is missed once, whoever records it.
    AlreadyEscalated = 209, "the missed deadline is recorded; nothing to do";
    /// The school has time left.
    WindowOpen = 210, "the school may still acknowledge in time; wait until the deadline is past";
    /// No such pool.
    UnknownPool = 211, "no pool of this number; define it first";
    /// More in use than there is.
    OverCapacity = 212, "more places are in use than the pool has; correct the number";
    /// A fair share needs a waitlist.
    NoWaitlist = 213, "the class has no waitlist, so there is nothing to share; leave the fair share out";
    /// The class has opened its round of this period.
    PeriodTaken = 214, "the class has opened its round of this hour, day or week; wait for the next period";
    /// The request speaks of other commitments than the anchored ones.
    NeedDiffers = 216, "the entry's commitments to the rule's inputs are not the anchored ones; request with the anchored state";
    /// The proved mastery backs another milestone.
    MasteryUsed = 217, "this proved mastery backs another milestone; anchor the newer state and prove that one";
    /// The class is another's.
    NotSteward = 218, "only the class's steward may send this (a RunRound: anybody ten minutes after the reveals closed); ask the steward, or vote for another";
    /// The named steward cannot be one.
    StewardUnfit = 219, "a steward is an admitted member with the role consortium, district or funder; name such a member";
    /// Somebody has a place of the pool.
    PoolInUse = 220, "a decision that stands, or may stand again, places somebody in this pool; keep it, or have that decision reverted by vote";
    /// A window would be longer than allowed.
    WindowTooLong = 221, "a window may be lengthened by max_extra_window_ms at most; ask for less, or vote for a higher limit";
    /// A district would have more of the round than its share.
    DistrictQuota = 222, "the district would take more than max_district_round_percent of what a round may hold; leave the rest to the others, or vote for a higher share";
    /// The need rule may leave the scale of needs.
    NeedRuleBounds = 223, "the need rule must have 1 to 6 inputs of different names, each in its range, and lie within 0 to 2,559 whatever their values; correct weights or constant";
    /// A state commits to more or fewer inputs than the need rule has.
    InputsMissing = 224, "the entry must commit to exactly the inputs of the need rule in force, in its order; take the rule of /v1/twin-parameters and anchor again";
    /// A class on demand rests between rounds.
    OnDemandRests = 225, "a class on demand opens its next round an hour after the last, while its decision stands; wait, or have the decision reverted by vote";
    /// The stated budget is bound to no charge.
    UnboundStatement = 226, "this funder's stated budget is older than protocol 3, so that nothing binds it to what was charged; send a BudgetStatement of what was charged, then the floor";
    /// The round was run and refused.
    RunRefused = 230, "the round was run and refused under these parameters; it may run again when max_round_work or max_gap_ppm has changed";
    /// The key did not sign both statements.
    EvidenceForged = 231, "the named key did not sign both statements; send them as they were signed";
    /// The ledger holds evidence of that height.
    EvidenceRecorded = 232, "evidence against this validator at this height is on record; nothing to do";
    /// Enough is on record.
    EvidenceEnough = 233, "sixteen heights are on record against this validator; propose its removal";

    /// The share is of another attempt.
    OtherAttempt = 240, "the share is of another attempt than the one that is open; derive it for that one";
    /// The account's validator had no power when the round was opened.
    NoSharer = 241, "this account's validator did not decide the block that opened the round, so no share of its seed is its own; wait for the next round";
    /// Too few shares were revealed, in every attempt.
    NoSeed = 242, "validators with more than a third of the power did not reveal shares in any of max_seed_attempts attempts; see that their nodes run, then open another round";
    /// Other requests than those that were drawn for in this period.
    DrawNeedsVote = 243, "requests of this period were drawn for and their round was given up; request the same again, or vote to cancel this round and open another";

    /// A building's version is not the one after the anchored one.
    EstateVersion = 250, "the building's version is not the one after the anchored one; take the anchored one from /v1/evidence/estate and add one";
}

/// As its number, as receipts are told.
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl Code {
    /// The number in receipts.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        let at = Self::ALL.binary_search_by_key(&number, |code| code.number()).ok()?;
        Self::ALL.get(at).copied()
    }

    /// True for codes that make a block invalid: such a transaction is never in a block.
    pub const fn makes_block_invalid(self) -> bool {
        matches!(self as u8, 1..=99)
    }
}
