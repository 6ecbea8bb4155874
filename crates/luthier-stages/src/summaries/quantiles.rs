//! Quantiles with a bounded error.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::FeatureStatistic;

/// The number of distinct values that are kept before any is dropped.
const KEPT: usize = 2048;

/// The number of values that wait to be sorted.
const WAITING: usize = 2048;

/// Quantiles of some numbers, up to an error in rank.
///
/// The summary keeps values with bounds on how many numbers are less and how many are not greater (Zhang and Wang 2007, after
/// Greenwald and Khanna 2001). Merging two summaries adds their bounds. If there are more than about two thousand distinct
/// values, a value is dropped if ranks are still known within `relative_error · n` without it. So the bound holds
/// however the numbers were divided. Quantiles are exact for fewer distinct values, and for an error of 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quantiles {
    relative_error: f64,
    kept: Vec<Ranked>,
    /// The number of values that `kept` represents.
    count: u64,
    waiting: Vec<f64>,
    /// Zeros that have not been merged with the others yet.
    zeros: u64,
    limit: usize,
}

/// A value and the bounds on its rank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Ranked {
    value: f64,
    /// At least so many numbers are equal to it.
    times: u64,
    /// At least so many numbers are less.
    less: u64,
    /// At most so many numbers are not greater.
    not_greater: u64,
}

impl Ranked {
    /// At least so many numbers are not greater.
    fn surely_not_greater(&self) -> u64 {
        self.less + self.times
    }

    /// At most so many numbers are less.
    fn perhaps_less(&self) -> u64 {
        self.not_greater - self.times
    }
}

impl Quantiles {
    /// The number of values.
    pub fn count(&self) -> u64 {
        self.count + self.waiting.len() as u64 + self.zeros
    }

    /// For each probability `p`, the value whose rank among the `n` sorted numbers is `⌈p·n⌉` (at least 1), up to an error of
    /// `relative_error · n`; `None` if there are no numbers.
    pub fn at(&self, probabilities: &[f64]) -> Option<Vec<f64>> {
        let complete = self.complete();
        probabilities.iter().map(|p| complete.ranked(*p)).collect()
    }

    /// The most frequent number, or the smallest of several; exact for a relative error of 0.
    pub fn mode(&self) -> Option<f64> {
        let complete = self.complete();
        let most = complete.kept.iter().map(|x| x.times).max()?;
        complete.kept.iter().find(|x| x.times == most).map(|x| x.value)
    }

    fn complete(&self) -> Self {
        let mut complete = self.clone();
        complete.sort_in();
        if self.zeros > 0 {
            complete.add(
                &[Ranked { value: 0.0, times: self.zeros, less: 0, not_greater: self.zeros }],
                self.zeros,
            );
        }
        complete
    }

    fn ranked(&self, probability: f64) -> Option<f64> {
        let rank = ((probability * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let error = |x: &Ranked| {
            let after = (x.perhaps_less() + 1).saturating_sub(rank);
            after.max(rank.saturating_sub(x.surely_not_greater()))
        };
        self.kept.iter().min_by_key(|x| error(x)).map(|x| x.value)
    }

    fn sort_in(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        self.waiting.sort_unstable_by(f64::total_cmp);
        let mut sorted: Vec<Ranked> = Vec::with_capacity(self.waiting.len());
        for (less, &value) in (0..).zip(&self.waiting) {
            match sorted.last_mut().filter(|last| last.value == value) {
                Some(last) => {
                    last.times += 1;
                    last.not_greater += 1;
                }
                None => sorted.push(Ranked { value, times: 1, less, not_greater: less + 1 }),
            }
        }
        let count = self.waiting.len() as u64;
        self.waiting.clear();
        self.add(&sorted, count);
    }

    fn add(&mut self, others: &[Ranked], count: u64) {
        self.kept = combined((&self.kept, self.count), (others, count));
        self.count += count;
        if self.kept.len() > self.limit {
            self.leave_out();
            // If little can be dropped, trying often would take long.
            self.limit = self.limit.max(2 * self.kept.len());
        }
    }

    /// Drops values between two others whose ranks are close enough.
    fn leave_out(&mut self) {
        let allowed = 2.0 * self.relative_error * self.count as f64;
        let mut previous = match self.kept.first() {
            Some(first) if allowed >= 1.0 => *first,
            _ => return,
        };
        let mut left = vec![previous];
        for pair in self.kept.get(1..).unwrap_or_default().windows(2) {
            let gap = pair[1].perhaps_less().saturating_sub(previous.surely_not_greater());
            if (gap + 1) as f64 > allowed {
                previous = pair[0];
                left.push(previous);
            }
        }
        left.extend(self.kept.last().filter(|_| self.kept.len() > 1));
        self.kept = left;
    }
}

/// The values of both with bounds for all numbers of both.
fn combined((a, in_a): (&[Ranked], u64), (b, in_b): (&[Ranked], u64)) -> Vec<Ranked> {
    let mut both = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    // Among the numbers of the other one, a value lies behind its last smaller one and before its next greater one.
    let placed = |x: &Ranked, others: &[Ranked], next: usize, count: u64| Ranked {
        less: x.less + next.checked_sub(1).and_then(|i| others.get(i)).map_or(0, Ranked::surely_not_greater),
        not_greater: x.not_greater + others.get(next).map_or(count, Ranked::perhaps_less),
        ..*x
    };
    loop {
        let order = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.value.partial_cmp(&y.value).unwrap_or(Ordering::Equal),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return both,
        };
        match order {
            Ordering::Less => both.push(placed(&a[i], b, j, in_b)),
            Ordering::Greater => both.push(placed(&b[j], a, i, in_a)),
            Ordering::Equal => both.push(Ranked {
                value: a[i].value,
                times: a[i].times + b[j].times,
                less: a[i].less + b[j].less,
                not_greater: a[i].not_greater + b[j].not_greater,
            }),
        }
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
}

impl FeatureStatistic for Quantiles {
    /// The largest error in rank, as a fraction of the numbers; 0 keeps all distinct values.
    type Options = f64;
    const NAME: &'static str = "quantiles";

    fn empty(relative_error: &f64) -> Self {
        let waiting = Vec::new();
        Self { relative_error: *relative_error, kept: Vec::new(), count: 0, waiting, zeros: 0, limit: KEPT }
    }

    fn take_in(&mut self, values: &[f64]) {
        for some in values.chunks(WAITING) {
            // Adding zero turns -0 into 0.
            self.waiting.extend(some.iter().map(|x| x + 0.0));
            if self.waiting.len() >= WAITING {
                self.sort_in();
            }
        }
    }

    fn take_in_zeros(&mut self, count: u64) {
        self.zeros += count;
    }

    fn merge(&mut self, other: &Self) {
        self.add(&other.kept, other.count);
        self.take_in(&other.waiting);
        self.zeros += other.zeros;
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.limit * size_of::<Ranked>() + WAITING * size_of::<f64>()
    }
}
