//! Whole demands by name. A preset is a set of other options, which stand in front of those of the command line: each of
//! its figures can be replaced.

use clap::ValueEnum;

/// A demand by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// 20.95 million tickets sold in one day, squeezed into --seconds (60 if not told)
    ///
    /// On 15 September 2023 China Railway sold 22.88 million tickets, 20.95 million of them on 12306.cn and in its app: the
    /// record for one day (Xinhua, 17 September 2023,
    /// https://english.www.gov.cn/archive/statistics/202309/17/content_WS65064be8c6d0868f4e8df81a.html). How the sales were
    /// spread over the day, and how many were bought together, is not published: here each is a sale of its own, at a
    /// rate that stays. They went onto 12,861 trains of about 750 seats; the trains are those of --gtfs.
    RecordDay,
    /// A sale opens, and everybody comes at once
    ///
    /// 20,000 buyers a second at the opening, halving every 20 s, beside 500 a second who always come; popular trains by Zipf
    /// with 1.1; 60 % travel alone, 30 % in pairs, 10 % in fours; they pay within 2 to 30 s, one in five never does, and
    /// one in a hundred sends twice. Nobody publishes such figures: these are assumptions, to be replaced by yours.
    Opening,
}

impl Preset {
    /// Its options as the command line would have them.
    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::RecordDay => &["--workload=sale", "--total=20950000", "--seconds=60", "--warmup=0"],
            Self::Opening => &[
                "--workload=sale",
                "--rate=500",
                "--burst=20000",
                "--half-life=20s",
                "--trains-by=zipf=1.1",
                "--party=1=60,2=30,4=10",
                "--pay-after=2s..30s",
                "--abandon=20%",
                "--duplicates=1%",
                "--seconds=120",
                "--warmup=5",
            ],
        }
    }
}
