//! The rare branches, counted: a fault that never happened proves nothing.

macro_rules! branches {
    ($($name:ident $text:literal;)*) => {
        /// Something rare that a seed may bring about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Branch {
            $(#[doc = $text] $name,)*
        }

        impl Branch {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

branches! {
    Answer "answers";
    Kill "kills";
    PowerLoss "power losses";
    FullDisk "appends without room";
    BrokenWrite "appends that broke";
    Compaction "compactions";
    TrimmedLog "trimmed logs";
    LateConfirm "late confirms";
    UnknownOutcome "outcomes that nobody told";
    Duplicate "requests sent twice";
    Cut "connections cut";
    Deafened "connections gone silent in one direction";
    BrokenFrame "frames that ended in the middle";
    Undelivered "answers to connections that are gone";
    SlotReused "connections in a used slot";
    CreditUsedUp "turns without credit";
    Forwarded "asks of another core";
    RefusedAtTheDoor "refusals at the door";
    FullInbox "full inboxes";
    Unavailable "requests told UNAVAILABLE";
    SoldOut "requests told SOLD_OUT";
    Limit "requests told LIMIT";
    PassengerTwice "requests told PASSENGER_ALREADY_BOOKED";
    IdConflict "requests told ID_CONFLICT";
    SlowDisk "slow disks";
    WallClockSet "wall clocks set";
    RotRefused "flipped bits that a start refused";
    RotHarmless "flipped bits that nothing rests on";
    TornTail "last groups that looked torn";
    TakeOver "takeovers";
    Fenced "partitions fenced";
    ToldUnknown "requests told UNKNOWN";
    StaleAnswer "answers of an owner that was shut out and did not know";
    StartRefused "takeovers that failed";
    FailOver "fail-overs";
    TailRepaired "batches appended again after a fail-over lost them";
    Emptied "Redis emptied";
    ScriptsLost "scripts lost";
    WatchBroken "transactions that a change broke";
    RedisTrouble "pipelines cut, slow or late";
    LateCommand "pipelines that ran after their connection was given up";
    LedgerAway "appends to a ledger that was away";
    LedgerFull "ledgers that became full";
}

/// How often each branch ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts([u64; Branch::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Branch::ALL.len()])
    }
}

impl Counts {
    /// Counts one more.
    pub fn bump(&mut self, branch: Branch) {
        self.0[branch as usize] += 1;
    }

    /// How often it ran.
    pub fn get(&self, branch: Branch) -> u64 {
        self.0[branch as usize]
    }

    /// Adds those of another seed.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }

    /// The branches that never ran, of those that should: nobody has to be told what is out of date.
    pub fn missing(&self) -> Vec<&'static str> {
        let never = Branch::ALL.iter().filter(|branch| self.get(**branch) == 0);
        let never = never.filter(|branch| **branch != Branch::StaleAnswer);
        never.map(|branch| branch.name()).collect()
    }
}
