//! How a figure is taken: several rounds, of which the median is told beside the least and the most.

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock::cpu_ns;

/// Rounds of each figure.
const ROUNDS: usize = 7;
/// How long one round of a repeated operation takes, about.
const ROUND: Duration = Duration::from_millis(300);

/// One figure of one operation.
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// The rounds, ascending.
    pub rounds: Vec<f64>,
    /// What one operation includes, so that a reader can compare like with like.
    pub includes: &'static str,
}

impl Figure {
    /// A figure of rounds already taken.
    pub fn of(
        name: impl Into<String>,
        unit: &'static str,
        includes: &'static str,
        mut rounds: Vec<f64>,
    ) -> Self {
        rounds.sort_by(f64::total_cmp);
        Self { name: name.into(), unit, rounds, includes }
    }

    /// The figure of one of so many that were measured together.
    pub fn divided_by(mut self, many: f64) -> Self {
        self.rounds.iter_mut().for_each(|round| *round /= many);
        self
    }

    /// The median of the rounds.
    pub fn median(&self) -> f64 {
        self.rounds.get(self.rounds.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// A line for people.
    pub fn line(&self) -> String {
        let (least, most) = (self.rounds.first().copied(), self.rounds.last().copied());
        format!(
            "{:<44} {:>12.2} {:<5} ({:.2} … {:.2})  {}",
            self.name,
            self.median(),
            self.unit,
            least.unwrap_or(f64::NAN),
            most.unwrap_or(f64::NAN),
            self.includes
        )
    }

    /// The figure for programs.
    pub fn json(&self) -> Value {
        json!({ "name": self.name, "unit": self.unit, "median": self.median(), "rounds": self.rounds,
                "includes": self.includes })
    }
}

/// Processor microseconds of one `operation`, over all threads of the process.
pub async fn repeated<F>(
    name: impl Into<String>,
    includes: &'static str,
    mut operation: impl FnMut() -> F,
) -> Figure
where
    F: Future<Output = ()>,
{
    let began = Instant::now();
    let mut times = 0_u32;
    while began.elapsed() < ROUND / 4 || times < 3 {
        operation().await;
        times += 1;
    }
    let times = (f64::from(times) * ROUND.as_secs_f64() / began.elapsed().as_secs_f64()).max(3.0) as u32;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let before = cpu_ns();
        for _ in 0..times {
            operation().await;
        }
        rounds.push(cpu_ns().saturating_sub(before) as f64 / f64::from(times) / 1e3);
    }
    Figure::of(name, "us", includes, rounds)
}

/// Microseconds of wall clock of an operation that needs something made ready before each round, which is not counted. Threads
/// may end meanwhile and take what they used with them, so their processor time cannot be summed up.
pub async fn prepared<P, F, G>(
    name: impl Into<String>,
    includes: &'static str,
    mut prepare: impl FnMut() -> F,
    mut operation: impl FnMut(P) -> G,
) -> Figure
where
    F: Future<Output = P>,
    G: Future<Output = ()>,
{
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS * 3 {
        let ready = prepare().await;
        let began = Instant::now();
        operation(ready).await;
        rounds.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Figure::of(name, "us", includes, rounds)
}
