//! Writes the data of `examples/churn.toml`: numbers and categories, some of them missing.
//!
//! `cargo run -p luthier --example churn_data -- examples/data` writes `churn.csv` (2,000 customers with the outcome) and
//! `churn_new.csv` (12 more without it, some from regions that are not in the first file). The files are always the same.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

const CUSTOMERS: usize = 2_000;
const NEW_CUSTOMERS: usize = 12;
const SEED: u64 = 20_261_123;

const CONTRACTS: [(&str, f64); 3] = [("monthly", 0.9), ("one year", -0.3), ("two years", -1.2)];
const PAYMENTS: [(&str, f64); 4] = [("card", -0.2), ("transfer", -0.1), ("invoice", 0.2), ("check", 0.5)];
const REGIONS: [&str; 24] = [
    "Alba", "Brenn", "Corvo", "Dorne", "Elbing", "Fara", "Gavia", "Holm", "Istra", "Jura", "Karst", "Lofa",
    "Mira", "Nisa", "Orla", "Pella", "Quies", "Rhone", "Sava", "Tarn", "Una", "Vila", "Wesen", "Zeta",
];

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

/// One line; `region` overrides the customer's, and the outcome is left out with it.
fn customer(random: &mut Random, region: Option<&str>) -> String {
    let tenure = (random.next().powi(2) * 72.0).round();
    let charge = (20.0 + 90.0 * random.next() * random.next().sqrt()).round() + 0.99;
    let calls = random.below(4) * random.below(3);
    let (contract, of_contract) = CONTRACTS[random.below(CONTRACTS.len())];
    let (payment, of_payment) = PAYMENTS[random.below(PAYMENTS.len())];
    let place = random.below(REGIONS.len());
    let of_region = (place as f64 * 1.7).sin() * 0.5;
    let score =
        -0.9 - 0.04 * tenure + 0.015 * charge + 0.35 * calls as f64 + of_contract + of_payment + of_region;
    let churned = u8::from(random.next() < 1.0 / (1.0 + (-score).exp()));
    let mut or_nothing =
        |value: String, share: f64| if random.next() < share { String::new() } else { value };
    let tenure = or_nothing(format!("{tenure}"), 0.06);
    let charge = or_nothing(format!("{charge}"), 0.04);
    let contract = or_nothing(contract.to_owned(), 0.03);
    let line = format!("{tenure},{charge},{calls},{contract},{payment},{}", region.unwrap_or(REGIONS[place]));
    if region.is_some() { line } else { format!("{line},{churned}") }
}

/// Both files.
pub fn files() -> [(&'static str, String); 2] {
    let header = "tenure,monthly_charge,support_calls,contract,payment,region";
    let mut random = Random(SEED);
    let mut known = format!("{header},churned\n");
    for _ in 0..CUSTOMERS {
        let _ = writeln!(known, "{}", customer(&mut random, None));
    }
    let mut new = format!("{header}\n");
    for i in 0..NEW_CUSTOMERS {
        let region = if i % 3 == 0 { "Atlantis" } else { REGIONS[random.below(REGIONS.len())] };
        let _ = writeln!(new, "{}", customer(&mut random, Some(region)));
    }
    [("churn.csv", known), ("churn_new.csv", new)]
}

fn main() -> Result<()> {
    let folder = std::env::args()
        .nth(1)
        .context("missing argument: name the folder to write to, such as examples/data")?;
    for (name, text) in files() {
        let path = Path::new(&folder).join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        println!("{}", path.display());
    }
    Ok(())
}
