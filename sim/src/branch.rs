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

    /// The branches that never ran.
    pub fn missing(&self) -> Vec<&'static str> {
        let never = Branch::ALL.iter().filter(|branch| self.get(**branch) == 0);
        never.map(|branch| branch.name()).collect()
    }
}
