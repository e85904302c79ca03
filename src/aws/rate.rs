//! AWS's published request rates, kept on our side: a token bucket per operation, seeded from `aws-resources.md` §1.7,
//! so that a run of ordinary size is never throttled.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
        ("secretsmanager", _) => (50.0, 50.0),
        ("ssm", "PutParameter") => (3.0, 3.0),
        // Unpublished: start low and let throttling say when it is too much.
        _ => (20.0, 10.0),
    }
}

struct Bucket {
    tokens: f64,
    /// As it is now, after throttles.
    rate: Rate,
    published: Rate,
    refilled: Instant,
    /// Many callers that are refused at once are one sign of it, not many.
    slowed_down: Option<Instant>,
}

/// One token bucket per operation, and the chance that spreads what comes back after a pause.
pub struct Pacer {
    buckets: Mutex<HashMap<&'static str, Bucket>>,
    seed: u64,
    drawn: AtomicU64,
}

impl Default for Pacer {
    fn default() -> Self {
        // Seeded by the system; pauses need no better chance.
        Self::seeded(RandomState::new().hash_one(()))
    }
}

impl Pacer {
    /// Whose pauses can be told again.
    pub fn seeded(seed: u64) -> Self {
        Self {
            buckets: Mutex::default(),
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    /// A number from 0 to 1.
    pub fn fraction(&self) -> f64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let number = BuildHasherDefault::<DefaultHasher>::default().hash_one((self.seed, drawn));
        (number % 1000) as f64 / 1000.0
    }

    /// Takes a token, after waiting for it if need be.
    pub async fn wait(&self, operation: &'static str) {
        let pause = self.take(operation);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes a token now or in advance, and says how long to wait for it.
    fn take(&self, operation: &'static str) -> Duration {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(operation).or_insert_with(|| {
            let rate = rate_of(operation);
            Bucket {
                tokens: rate.0,
                rate,
                published: rate,
                refilled: now,
                slowed_down: None,
            }
        });
        let (burst, refill) = bucket.rate;
        let elapsed = now.duration_since(bucket.refilled).as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * refill).min(burst) - 1.0;
        bucket.refilled = now;
        if bucket.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-bucket.tokens / refill)
        }
    }

    /// After a throttle: the bucket was fuller here than at AWS.
    pub fn slow_down(&self, operation: &'static str) {
        /// A tenth of what is published keeps a run going, and waits long enough for whoever else uses the account.
        const LEAST: f64 = 0.1;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(operation) else {
            return;
        };
        bucket.tokens = bucket.tokens.min(0.0);
        // What came back meanwhile was not there either.
        bucket.refilled = Instant::now();
        let is_same_sign = bucket
            .slowed_down
            .is_some_and(|before| before.elapsed() < Duration::from_secs(1));
        if !is_same_sign {
            bucket.slowed_down = Some(Instant::now());
            bucket.rate.1 = (bucket.rate.1 * 0.7).max(bucket.published.1 * LEAST);
        }
    }

    /// After an answer: little by little it goes on as before. Without that a few throttles at the beginning of a long run
    /// would hold up all the rest of it.
    pub fn speed_up(&self, operation: &'static str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(operation) {
            let published = bucket.published.1;
            bucket.rate.1 = (bucket.rate.1 + published / 10.0).min(published);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_throttled_operation_comes_back_to_its_rate() {
        let pacer = Pacer::default();
        let operation = "ec2:DescribeVpcs";
        pacer.wait(operation).await;
        for _ in 0..20 {
            tokio::time::advance(Duration::from_secs(1)).await;
            pacer.slow_down(operation);
        }
        let started = Instant::now();
        pacer.wait(operation).await;
        assert!(started.elapsed() >= Duration::from_millis(499));
        for _ in 0..10 {
            pacer.speed_up(operation);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        let started = Instant::now();
        pacer.wait(operation).await;
        assert!(started.elapsed() <= Duration::from_millis(51));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_through_and_the_rest_is_paced() {
        let pacer = Pacer::default();
        let started = Instant::now();
        for _ in 0..3 {
            pacer.wait("cloudwatch:PutMetricAlarm").await;
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        for _ in 0..3 {
            pacer.wait("cloudwatch:PutMetricAlarm").await;
        }
        assert!((900..=1100).contains(&started.elapsed().as_millis()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_that_is_over_slows_nobody_down() {
        let pacer = Pacer::default();
        let operation = "cloudwatch:PutMetricAlarm";
        pacer.wait(operation).await;
        let paced = Instant::now();
        for _ in 0..20 {
            pacer.slow_down(operation);
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        for _ in 0..3 {
            pacer.wait(operation).await;
        }
        assert!(paced.elapsed() > Duration::from_secs(43));
        for _ in 0..20 {
            pacer.wait(operation).await;
            pacer.speed_up(operation);
        }
        let started = Instant::now();
        for _ in 0..30 {
            pacer.wait(operation).await;
        }
        assert!((9..=11).contains(&started.elapsed().as_secs()));
    }
}
