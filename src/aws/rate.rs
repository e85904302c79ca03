//! AWS's published request rates, kept on our side: a token bucket per operation, seeded from `aws-resources.md` §1.7,
//! so that a run of ordinary size is never throttled.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::Instant;

/// Burst size, and tokens that come back per second.
type Rate = (f64, f64);

/// The rate of an operation named `service:Operation`.
fn rate_of(operation: &str) -> Rate {
    let (service, name) = operation.split_once(':').unwrap_or(("", operation));
    let reads = ["Describe", "Get", "List", "Head", "BatchGet"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    match (service, name) {
        ("ec2", "CreateNatGateway" | "DeleteNatGateway") => (10.0, 1.0),
        ("ec2", "CreateVpcEndpoint" | "ModifyVpcEndpoint" | "DeleteVpcEndpoints") => (4.0, 0.3),
        ("ec2", "CreateTags" | "DeleteTags") => (100.0, 10.0),
        ("ec2", _) if reads => (100.0, 20.0),
        ("ec2", _) => (50.0, 5.0),
        ("elasticloadbalancing", "CreateLoadBalancer" | "SetSubnets") => (10.0, 0.2),
        ("elasticloadbalancing", _) if reads => (40.0, 10.0),
        ("elasticloadbalancing", _) => (20.0, 3.0),
        ("ecs", "RegisterTaskDefinition" | "DeregisterTaskDefinition") => (20.0, 1.0),
        ("ecs", "CreateCluster" | "DeleteCluster" | "UpdateClusterSettings") => (20.0, 1.0),
        ("ecs", "DescribeServices" | "ListServices") => (100.0, 20.0),
        ("ecs", "TagResource" | "UntagResource") => (20.0, 10.0),
        ("ecs", _) if reads => (50.0, 20.0),
        ("ecs", _) => (50.0, 5.0),
        ("cloudwatch", "PutMetricAlarm" | "DeleteAlarms") => (3.0, 3.0),
        ("cloudwatch", "DescribeAlarms") => (9.0, 9.0),
        ("cloudwatch", _) => (10.0, 10.0),
        ("logs", "CreateLogGroup" | "DeleteLogGroup" | "DescribeLogGroups") => (10.0, 10.0),
        ("logs", _) => (5.0, 5.0),
        ("wafv2", "AssociateWebACL" | "DisassociateWebACL") => (1.0, 0.5),
        ("wafv2", "GetWebACLForResource" | "ListResourcesForWebACL") => (1.0, 1.0),
        ("wafv2", _) if reads => (5.0, 5.0),
        ("wafv2", _) => (1.0, 1.0),
        ("sns", _) => (30.0, 10.0),
        // Out of 10,000: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>.
        ("secretsmanager", "DescribeSecret" | "GetSecretValue") => (1000.0, 1000.0),
        ("secretsmanager", _) => (50.0, 50.0),
        // <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
        ("kms", "DescribeKey" | "GetKeyPolicy" | "GetKeyRotationStatus" | "ListResourceTags") => {
            (500.0, 500.0)
        }
        ("kms", "ListAliases" | "ListKeys") => (100.0, 100.0),
        ("kms", _) => (5.0, 5.0),
        ("ssm", "PutParameter") => (3.0, 3.0),
        // Unpublished: start low and let throttling say when it is too much.
        _ => (20.0, 10.0),
    }
}

/// One operation's rate, and whether AWS throttles it at present.
struct Bucket {
    tokens: f64,
    /// The present rate, after throttles.
    rate: Rate,
    published: Rate,
    refilled: Instant,
    /// Throttles since the last answer of another kind. While there are any, one caller at a time asks on behalf of all of
    /// them: otherwise each caller would get the same answer.
    throttles: watch::Sender<u32>,
    /// The time at which the next caller may ask whether AWS still throttles.
    probe_at: Instant,
    /// The place of the next caller; the others stand in line.
    line: Arc<Mutex<()>>,
}

impl Bucket {
    fn new(operation: &str) -> Self {
        let rate = rate_of(operation);
        let now = Instant::now();
        Self {
            tokens: rate.0,
            rate,
            published: rate,
            refilled: now,
            throttles: watch::Sender::new(0),
            probe_at: now,
            line: Arc::default(),
        }
    }

    fn is_throttled(&self) -> bool {
        *self.throttles.borrow() > 0
    }

    /// Lets the next caller in line go, or says when to ask again.
    fn go(&mut self) -> Result<(), Instant> {
        /// The error of adding up fractions of a token.
        const ROUNDING: f64 = 1e-6;
        let now = Instant::now();
        if self.is_throttled() {
            return if now < self.probe_at {
                Err(self.probe_at)
            } else {
                Ok(())
            };
        }
        let (burst, refill) = self.rate;
        let elapsed = now.duration_since(self.refilled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * refill).min(burst);
        self.refilled = now;
        if self.tokens + ROUNDING < 1.0 {
            return Err(now + Duration::from_secs_f64((1.0 - self.tokens) / refill));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

/// One token bucket per operation, and the random numbers that spread callers after a pause.
pub struct Pacer {
    buckets: std::sync::Mutex<HashMap<&'static str, Bucket>>,
    seed: u64,
    drawn: AtomicU64,
}

impl Default for Pacer {
    fn default() -> Self {
        // Seeded by the system; pauses need no better randomness.
        Self::seeded(RandomState::new().hash_one(()))
    }
}

impl Pacer {
    /// Makes a pacer with reproducible pauses.
    pub fn seeded(seed: u64) -> Self {
        Self {
            buckets: std::sync::Mutex::default(),
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    /// Returns a random number from 0 to 1.
    pub fn fraction(&self) -> f64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let number = BuildHasherDefault::<DefaultHasher>::default().hash_one((self.seed, drawn));
        (number % 1000) as f64 / 1000.0
    }

    /// Waits until the operation may be called. `on_throttle` gets the number of times in a row that AWS has throttled it
    /// meanwhile.
    pub async fn permit(&self, operation: &'static str, on_throttle: impl Fn(u32)) -> Permit<'_> {
        let (line, mut throttles) = self.with(operation, |bucket| {
            (Arc::clone(&bucket.line), bucket.throttles.subscribe())
        });
        if *throttles.borrow() > 0 {
            throttles.mark_changed();
        }
        let mut next = pin!(line.lock_owned());
        let next = loop {
            tokio::select! {
                biased;
                Ok(()) = throttles.changed() => on_throttle(*throttles.borrow_and_update()),
                next = &mut next => break next,
            }
        };
        while let Err(ask_at) = self.with(operation, Bucket::go) {
            tokio::time::sleep_until(ask_at).await;
        }
        Permit {
            pacer: self,
            operation,
            probe: self
                .with(operation, |bucket| bucket.is_throttled())
                .then_some(next),
        }
    }

    fn with<T>(&self, operation: &'static str, work: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        work(
            buckets
                .entry(operation)
                .or_insert_with(|| Bucket::new(operation)),
        )
    }
}

/// Permission to make one call. Dropped without a record, it says nothing about AWS.
pub struct Permit<'a> {
    pacer: &'a Pacer,
    operation: &'static str,
    /// The place in line, held until the answer, if this call asks on behalf of all in line whether AWS still throttles.
    probe: Option<OwnedMutexGuard<()>>,
}

impl Permit<'_> {
    /// Records that AWS throttled the call: our bucket was fuller than AWS's. Returns the number of throttles in a row.
    pub fn record_throttle(self) -> u32 {
        /// The least rate: a tenth of the published rate keeps a run going, and leaves room for other users of the account.
        const LEAST: f64 = 0.1;
        let fraction = self.pacer.fraction();
        self.pacer.with(self.operation, |bucket| {
            let before = *bucket.throttles.borrow();
            // Of many calls that are throttled at once, only the first one counts.
            if before > 0 && self.probe.is_none() {
                return before;
            }
            if before == 0 {
                bucket.rate.1 = (bucket.rate.1 * 0.7).max(bucket.published.1 * LEAST);
            }
            let throttles = before + 1;
            bucket.throttles.send_replace(throttles);
            // At least half of it: a service that throttles wants fewer calls.
            let pause = pause(throttles, LONGEST_PROBE, 0.5 + fraction / 2.0);
            bucket.probe_at = Instant::now() + pause;
            throttles
        })
    }

    /// Records any other answer: the rate goes back to normal little by little. Without that, a few throttles at the
    /// beginning of a long run would hold up all the rest of it.
    pub fn record_success(self) {
        self.pacer.with(self.operation, |bucket| {
            if self.probe.is_some() {
                bucket.throttles.send_replace(0);
                // Tokens that came back meanwhile were not there either.
                bucket.tokens = 0.0;
                bucket.refilled = Instant::now();
            }
            let published = bucket.published.1;
            bucket.rate.1 = (bucket.rate.1 + published / 20.0).min(published);
        });
    }
}

/// The longest pause between two probes whether AWS still throttles: the longest time that a run idles for nothing, and the
/// longest pause of the AWS SDKs.
const LONGEST_PROBE: Duration = Duration::from_secs(20);

const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Returns an exponential pause with jitter, so that many callers do not come back at once. `fraction` is from 0 to 1.
pub fn pause(attempts: u32, longest: Duration, fraction: f64) -> Duration {
    let ceiling = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1).min(16)))
        .min(longest);
    ceiling.mul_f64(0.1 + 0.9 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "ec2:DescribeVpcs";
    const ALARM: &str = "cloudwatch:PutMetricAlarm";

    async fn answered(pacer: &Pacer, operation: &'static str) {
        pacer.permit(operation, |_| ()).await.record_success();
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_through_and_the_rest_is_paced() {
        let pacer = Pacer::default();
        let started = Instant::now();
        for _ in 0..3 {
            answered(&pacer, ALARM).await;
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        for _ in 0..3 {
            answered(&pacer, ALARM).await;
        }
        assert!((900..=1100).contains(&started.elapsed().as_millis()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_operation_is_slower_for_a_while() {
        let pacer = Pacer::default();
        pacer.permit(READ, |_| ()).await.record_throttle();
        let started = Instant::now();
        for _ in 0..200 {
            answered(&pacer, READ).await;
        }
        let slowly = started.elapsed();
        // 20 per second, without the first burst, and a little more.
        assert!((10_050..12_000).contains(&slowly.as_millis()), "{slowly:?}");
        let started = Instant::now();
        for _ in 0..200 {
            answered(&pacer, READ).await;
        }
        assert!((9_900..=10_100).contains(&started.elapsed().as_millis()));
    }

    /// Makes calls that AWS throttles for a time; returns how many were made, and how long it all took.
    async fn storm(pacer: &Pacer, callers: usize, lasts: Duration) -> (usize, Duration) {
        let started = Instant::now();
        let calls = std::sync::Mutex::new(0);
        let caller = || async {
            loop {
                let permit = pacer.permit(READ, |_| ()).await;
                *calls.lock().unwrap() += 1;
                // The duration of a call.
                tokio::time::sleep(Duration::from_millis(50)).await;
                if started.elapsed() >= lasts {
                    return permit.record_success();
                }
                permit.record_throttle();
            }
        };
        futures_util::future::join_all((0..callers).map(|_| caller())).await;
        (calls.into_inner().unwrap(), started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_asks_for_all_whether_the_storm_is_over() {
        let pacer = Pacer::seeded(1);
        let (calls, took) = storm(&pacer, 50, Duration::from_secs(60)).await;
        // One throttled and one answered call for each caller, and the probes in between.
        assert!((106..=112).contains(&calls), "{calls} calls");
        assert!(took < Duration::from_secs(84), "{took:?}");
        let (calls, took) = storm(&pacer, 50, Duration::ZERO).await;
        assert_eq!(calls, 50);
        assert!(took < Duration::from_secs(4), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_stands_in_line_hears_of_the_throttles() {
        let pacer = Pacer::seeded(1);
        let permit = pacer.permit(READ, |_| ()).await;
        assert_eq!(permit.record_throttle(), 1);
        let heard = std::sync::Mutex::new(Vec::new());
        let probe = pacer.permit(READ, |_| ()).await;
        let asks = async {
            tokio::task::yield_now().await;
            assert_eq!(probe.record_throttle(), 2);
            tokio::task::yield_now().await;
            answered(&pacer, READ).await;
        };
        let waits = async {
            let on_throttle = |throttles| heard.lock().unwrap().push(throttles);
            pacer.permit(READ, on_throttle).await.record_success();
        };
        tokio::join!(waits, asks);
        assert_eq!(heard.into_inner().unwrap(), [1, 2]);
    }

    /// A run that is stopped drops its calls in flight.
    #[tokio::test(start_paused = true)]
    async fn a_permit_that_is_given_up_is_the_next_ones() {
        let pacer = Pacer::default();
        pacer.permit(READ, |_| ()).await.record_throttle();
        drop(pacer.permit(READ, |_| ()).await);
        let waits = pacer.permit(READ, |_| ());
        assert!(tokio::time::timeout(Duration::ZERO, waits).await.is_ok());
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let longest = Duration::from_secs(5);
        for attempts in 1..40 {
            let pause = pause(attempts, longest, Pacer::default().fraction());
            assert!(pause >= FIRST_PAUSE / 10 && pause <= longest);
        }
    }
}
