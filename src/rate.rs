//! Rate limits: token buckets.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::time::Timestamp;

/// The size and refill rate of a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// The maximum number at once.
    pub burst: u32,
    /// The number per second after that.
    pub per_second: u32,
}

impl Rate {
    /// The form of a rate, in words.
    pub const FORM: &str = "how many at once and how many per second, such as 200/20";

    /// Reads a rate. `None` if `text` is invalid, or if a number is 0.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (burst, per_second) = text.split_once('/')?;
        let number = |text: &str| text.trim().parse().ok().filter(|number| *number > 0);
        Some(Self {
            burst: number(burst)?,
            per_second: number(per_second)?,
        })
    }
}

/// A token in the units of a bucket. The unit is a thousandth of a token: at one token per second
/// the bucket gains one unit per millisecond.
const TOKEN: u64 = 1000;

/// A token bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    /// How much was taken, in thousandths of a token.
    taken: u64,
    at: Timestamp,
    /// When the empty bucket was last reported.
    reported_at: Option<Timestamp>,
}

/// An empty bucket is reported again only after this time.
const STALE: Duration = Duration::from_secs(60);

impl Bucket {
    /// Takes a token.
    ///
    /// # Errors
    ///
    /// How long until a token is available.
    pub(crate) fn take(&mut self, now: Timestamp, rate: Rate) -> Result<(), Duration> {
        let inflow = u64::from(rate.per_second);
        let passed = now.as_millis().saturating_sub(self.at.as_millis());
        self.taken = self.taken.saturating_sub(passed.saturating_mul(inflow));
        self.at = now;
        let size = u64::from(rate.burst).saturating_mul(TOKEN);
        let missing = self.taken.saturating_add(TOKEN).saturating_sub(size);
        if missing > 0 {
            let millis = match inflow {
                0 => u64::MAX,
                inflow => missing.div_ceil(inflow),
            };
            return Err(Duration::from_millis(millis));
        }
        self.taken = self.taken.saturating_add(TOKEN);
        Ok(())
    }

    /// Whether an empty bucket should be reported now.
    pub(crate) fn should_report(&mut self, now: Timestamp) -> bool {
        let should_report = self.reported_at.is_none_or(|at| at + STALE <= now);
        if should_report {
            self.reported_at = Some(now);
        }
        should_report
    }
}

/// The token buckets of one socket. They are not stored: if memory is lost while the socket is
/// idle, it gets full buckets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance {
    events: Bucket,
    errors: Bucket,
}

/// A refused event: its bucket is empty.
pub(crate) struct Excess {
    pub(crate) retry_after: Duration,
    /// Whether to tell operators: they were not told recently.
    pub(crate) should_report: bool,
    /// Whether to disconnect the client: it has sent too many refused events.
    pub(crate) is_last: bool,
}

impl Allowance {
    /// Takes a token for an event. `patience` is how many refused events a client may send.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        rate: Rate,
        patience: Rate,
    ) -> Result<(), Excess> {
        self.events.take(now, rate).map_err(|retry_after| Excess {
            retry_after,
            should_report: self.events.should_report(now),
            is_last: self.errors.take(now, patience).is_err(),
        })
    }
}

/// The number of lines that one source may write into the operators' log.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    bucket: Bucket,
    dropped: usize,
}

impl LogLimit {
    const RATE: Rate = Rate {
        burst: 200,
        per_second: 5,
    };

    /// Takes one line. Returns how many lines were dropped since the last one, or `None` if this
    /// line is dropped too.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<usize> {
        if self.bucket.take(now, Self::RATE).is_err() {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        }
        Some(std::mem::take(&mut self.dropped))
    }
}

/// The maximum number of entries in [`KeptBuckets`]. Each socket that disconnected has one.
const KEPT_BUCKETS: usize = 100;

/// The token buckets of sockets that disconnected, by address. So a client gains nothing if it
/// disconnects and connects again.
pub(crate) struct KeptBuckets<T>(VecDeque<(String, T)>);

impl<T> Default for KeptBuckets<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Default> KeptBuckets<T> {
    pub(crate) fn keep(&mut self, address: String, buckets: T) {
        if self.0.len() >= KEPT_BUCKETS {
            self.0.pop_front();
        }
        self.0.push_back((address, buckets));
    }

    /// Removes and returns the buckets of the last socket of this address.
    pub(crate) fn take(&mut self, address: &str) -> T {
        let last = self.0.iter().rposition(|(from, _)| from == address);
        let kept = last.and_then(|last| self.0.remove(last));
        kept.map(|(_, buckets)| buckets).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_takes_a_burst_of_lines_and_counts_what_it_drops() {
        let mut limit = LogLimit::default();
        let mut take = |millis| limit.take(Timestamp::from_millis(millis));
        for line in 0..200 {
            assert_eq!(take(1_000_000), Some(0), "{line}");
        }
        for _ in 0..3 {
            assert_eq!(take(1_000_199), None);
        }
        assert_eq!(take(1_000_200), Some(3));
        assert_eq!(take(1_000_200), None);
        assert_eq!(take(1_000_600), Some(1));
        assert_eq!(take(1_000_600), Some(0));
        assert_eq!(take(1_000_600), None);
    }

    #[test]
    fn a_rate_is_written_as_two_numbers() {
        let rate = |burst, per_second| Some(Rate { burst, per_second });
        for (text, expected) in [
            ("200/20", rate(200, 20)),
            (" 10 / 1 ", rate(10, 1)),
            ("10", None),
            ("0/1", None),
            ("1/0", None),
            ("-1/1", None),
            ("1/1/1", None),
            ("99999999999/1", None),
            ("", None),
        ] {
            assert_eq!(Rate::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_bucket_empties_and_refills() {
        let rate = Rate {
            burst: 2,
            per_second: 4,
        };
        let at = Timestamp::from_millis;
        let mut bucket = Bucket::default();
        for (now, taken) in [
            (1_000_000, Ok(())),
            (1_000_000, Ok(())),
            (1_000_000, Err(250)),
            (1_000_249, Err(1)),
            (1_000_250, Ok(())),
            (1_000_250, Err(250)),
            (1_000_100, Err(250)), // a clock that was set back
            (2_000_000, Ok(())),
            (2_000_000, Ok(())),
            (2_000_000, Err(250)),
        ] {
            assert_eq!(
                bucket.take(at(now), rate),
                taken.map_err(Duration::from_millis),
                "{now}"
            );
        }
        let never = Rate {
            burst: 0,
            per_second: 0,
        };
        assert!(Bucket::default().take(at(5), never).is_err());
    }
}
