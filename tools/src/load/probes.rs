//! `seathold-load search`: each probe is a run of its own, told as it ends.

use super::exit::{EXIT_AUDIT_FAILED, EXIT_OBJECTIVE_MISSED, Failure};
use super::options::Options;
use super::results::figures::grouped;
use super::run::Rig;
use super::search::highest;
use super::shape::parse_rate;
use clap::Args;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// Find the highest --rate at which --slo holds: each probe is a run of --seconds
#[derive(Clone, Debug, Args)]
pub(super) struct Search {
    /// What its runs take.
    #[command(flatten)]
    pub(super) run: Options,
    /// No rate below this is tried
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_rate)]
    rate_min: f64,
    /// No rate above this is tried
    #[arg(long, value_name = "N", default_value = "10000000", value_parser = parse_rate)]
    rate_max: f64,
}

/// One run of a search.
#[derive(Clone, Debug, Serialize)]
struct Probe {
    phase: &'static str,
    rate: f64,
    holds: bool,
    p50_us: f64,
    p99_us: f64,
    requests_per_second: f64,
    errors: u64,
    /// Why it does not hold, and what is wrong with the run.
    why: Vec<String>,
}

/// What a search found.
#[derive(Clone, Debug, Serialize)]
struct Found {
    schema: u32,
    slo: String,
    /// The highest rate that held, in arrivals a second.
    rate: Option<f64>,
    probes: Vec<Probe>,
}

impl Search {
    /// Prints each probe as it ends, and what was found.
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let slo = self.run.slo.clone().ok_or_else(|| {
            Failure::Usage("a search needs to know what has to hold: --slo 'p99<5ms,errors<0.1%'".to_owned())
        })?;
        if self.rate_min > self.rate_max {
            return Err(Failure::Usage("--rate-min is above --rate-max".to_owned()));
        }
        if self.run.output.out.is_some() {
            return Err(Failure::Usage(
                "a search keeps no files: leave --out, and give it to a run at the rate that the search finds".to_owned(),
            ));
        }
        let mut run = self.run.clone();
        let first = run.shape.rate.unwrap_or(RATE_FIRST);
        run.shape.take_rate(first);
        let rig = Rig::new(&run)?;
        let as_json = run.output.json;
        let mut out = io::stdout().lock();
        let mut probes = Vec::new();
        let mut is_borne_out = true;
        let rate = highest(first, (self.rate_min, self.rate_max), |phase, rate| {
            run.shape.take_rate(rate);
            let report = rig.measure(&run)?;
            // A generator that is late makes latencies longer: where they hold all the same, they hold.
            let holds = report.slo_missed.is_empty() && report.requests > 0;
            let mut why = report.slo_missed.clone();
            if let Some(findings) = report.oracle.as_ref().filter(|findings| !findings.is_clean()) {
                is_borne_out = false;
                why.push(findings.to_string().trim_end().to_owned());
            }
            if !holds {
                why.extend(report.why_not);
            }
            let probe = Probe {
                phase: phase.name(),
                rate,
                holds,
                p50_us: report.latency_us.p50,
                p99_us: report.latency_us.p99,
                requests_per_second: report.requests_per_second,
                errors: report.errors,
                why,
            };
            if !as_json {
                // Whoever closed our output has seen enough; the exit code still tells.
                let _ = tell(&probe, &mut out);
            }
            probes.push(probe);
            Ok::<_, Failure>(holds)
        })?;
        let found = Found { schema: 1, slo: slo.to_string(), rate, probes };
        let _ = if as_json {
            let text = serde_json::to_string(&found).expect("a struct of numbers and texts");
            writeln!(out, "{text}")
        } else {
            match rate {
                Some(rate) => writeln!(out, "{slo} holds up to {} arrivals a second", grouped(rate as u64)),
                None => writeln!(out, "{slo} does not hold at {} arrivals a second", self.rate_min),
            }
        };
        let code = match rate {
            _ if !is_borne_out => EXIT_AUDIT_FAILED,
            None => EXIT_OBJECTIVE_MISSED,
            Some(_) => 0,
        };
        Ok(ExitCode::from(code))
    }
}

/// Where a search begins if --rate does not say.
const RATE_FIRST: f64 = 1_000.0;

fn tell(probe: &Probe, out: &mut impl Write) -> io::Result<()> {
    let verdict = if probe.holds { "holds" } else { "does not hold" };
    writeln!(
        out,
        "{:<8}{:>14} a second   p50 {:>9.3} ms   p99 {:>9.3} ms   {:>8} errors   {verdict}",
        probe.phase,
        grouped(probe.rate as u64),
        probe.p50_us / 1e3,
        probe.p99_us / 1e3,
        grouped(probe.errors)
    )?;
    probe.why.iter().try_for_each(|why| writeln!(out, "        {why}"))?;
    out.flush()
}
