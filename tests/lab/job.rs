//! The tasks that the program is asked to do, and the state of things when it has done them undisturbed.

use std::sync::OnceLock;

use crate::account::{Before, base};
use crate::inventory::Inventory;
use crate::proxy::Logged;
use crate::world::World;

/// One task that the program is asked to do.
#[derive(Debug)]
pub struct Job {
    pub name: &'static str,
    pub stack: &'static str,
    pub before: Before,
    pub command: &'static str,
    pub arguments: &'static [&'static str],
    /// The deletions of data that were consented to, or that the file asks for.
    pub may_delete: &'static [&'static str],
}

/// Another range of addresses: everything in the network is replaced.
const MOVED: &[&str] = &[
    "--set=network.cidr=10.7.0.0/16",
    "--set=network.publicSubnets=[10.7.101.0/24, 10.7.102.0/24]",
    "--set=network.privateSubnets=[10.7.1.0/24, 10.7.2.0/24]",
    "--allow-delete=database/instance",
];

/// The calls that end something that holds data.
pub const DATA: &[&str] = &[
    "rds:DeleteDBInstance",
    "secretsmanager:DeleteSecret",
    "ecr:DeleteRepository",
    "logs:DeleteLogGroup",
    "s3:DELETE",
];

pub static UP: Job = Job {
    name: "up from nothing",
    stack: "dev",
    before: Before::Nothing,
    command: "up",
    arguments: &[],
    may_delete: &[],
};

pub static MOVE: Job = Job {
    name: "up to another network",
    stack: "dev",
    before: Before::Stack,
    command: "up",
    arguments: MOVED,
    may_delete: &["rds:DeleteDBInstance"],
};

pub static DESTROY: Job = Job {
    name: "destroy",
    stack: "dev",
    before: Before::Stack,
    command: "destroy",
    arguments: &[],
    may_delete: DATA,
};

/// Every resource type at least once.
pub static EVERY_TYPE: Job = Job {
    name: "up of every resource type",
    stack: "tests/lab/every-type.yaml",
    before: Before::Nothing,
    command: "up",
    arguments: &[],
    may_delete: &[],
};

/// Changes in place, of all tags and of much else.
pub static EDIT: Job = Job {
    name: "edit of every resource type",
    stack: "tests/lab/every-type.yaml",
    before: Before::EveryType,
    command: "up",
    arguments: &[
        "--set=tags.owner=another",
        "--set=database.instanceClass=db.t4g.small",
        "--set=database.storageGiB=40",
        "--set=database.parameters.max_connections=300",
        "--set=loadBalancer.accessLogs.expireDays=60",
        "--set=loadBalancer.waf.rateLimit=2000",
        "--set=monitoring.logRetentionDays=14",
        "--set=services.api.cpu=512",
        "--set=services.api.memoryMiB=1024",
        "--set=services.api.healthCheck.path=/alive",
        "--set=services.api.scaling.max=5",
    ],
    may_delete: &[],
};

pub static DESTROY_EVERY_TYPE: Job = Job {
    name: "destroy of every resource type",
    stack: "tests/lab/every-type.yaml",
    before: Before::EveryType,
    command: "destroy",
    arguments: &[],
    may_delete: DATA,
};

static JOBS: [&Job; 6] = [
    &UP,
    &MOVE,
    &DESTROY,
    &EVERY_TYPE,
    &EDIT,
    &DESTROY_EVERY_TYPE,
];

/// A job that nothing disturbed.
pub struct Undisturbed {
    /// The inventory afterwards.
    pub inventory: Inventory,
    pub calls: Vec<Logged>,
}

impl Undisturbed {
    pub fn mutating(&self) -> usize {
        self.calls.iter().filter(|call| call.mutating).count()
    }
}

impl Job {
    /// Once for each job, for all tests.
    pub fn undisturbed(&'static self) -> &'static Undisturbed {
        static UNDISTURBED: [OnceLock<Undisturbed>; 6] = [const { OnceLock::new() }; 6];
        let index = JOBS.iter().position(|job| job.name == self.name);
        UNDISTURBED[index.expect("a job of the list")].get_or_init(|| {
            let mut world = World::of(self);
            let ran = world.run("32");
            assert_eq!(ran.status, Some(0), "{}", ran.screen);
            Undisturbed {
                inventory: world.account.inventory(),
                calls: ran.calls,
            }
        })
    }

    /// The inventory before the job.
    pub fn inventory_before(&self) -> &'static Inventory {
        static NOTHING: OnceLock<Inventory> = OnceLock::new();
        static STACK: OnceLock<Inventory> = OnceLock::new();
        static EVERY_TYPE: OnceLock<Inventory> = OnceLock::new();
        let cell = match self.before {
            Before::Nothing => &NOTHING,
            Before::Stack => &STACK,
            Before::EveryType => &EVERY_TYPE,
        };
        cell.get_or_init(|| base(self.before).inventory())
    }
}
