//! The common parts of the tests of the commands: a small stack, and the form in which screens are kept.

use super::program::Ended;

/// A network, a subnet, a group, a topic and a secret: something found by id and by name, with data and without.
pub const SHOP: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
group: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}', description: of the shop } }
topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
password: { type: aws:secretsmanager:Secret, properties: { description: of the shop } }
";

/// The statuses of `design.md` §6.
pub const DONE: Option<i32> = Some(0);
pub const ERROR: Option<i32> = Some(1);
pub const USAGE: Option<i32> = Some(2);
pub const RESOURCE_FAILED: Option<i32> = Some(4);
pub const REFUSED: Option<i32> = Some(5);
pub const NO_STACK: Option<i32> = Some(6);
pub const UNEXPECTED_CHANGES: Option<i32> = Some(7);
pub const CANCELLED: Option<i32> = Some(8);
pub const TIMED_OUT: Option<i32> = Some(9);

/// Several screens, one after the other, as one snapshot.
pub fn screens<'a>(ended: impl IntoIterator<Item = &'a Ended>) -> String {
    let screens: Vec<&str> = ended
        .into_iter()
        .map(|ended| ended.screen.as_str())
        .collect();
    screens.join("\n")
}

/// Standard output as JSON, and nothing else.
pub fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.screen))
}

/// No control characters: nothing that a file or a log could not take.
pub fn assert_plain(ended: &Ended) {
    let control = |character: char| character.is_control() && character != '\n';
    assert!(!ended.raw.contains(control), "{:?}", ended.raw);
}

/// No line wider than the screen, but for those that would not survive it: a command to copy, a word longer than the
/// line, and the lines of a log.
pub fn assert_fits(ended: &Ended) {
    for line in ended.raw.lines() {
        // An excerpt of a file is as wide as the file.
        if line.trim_start().starts_with('·') {
            continue;
        }
        let first = line.split_whitespace().next().unwrap_or_default();
        let logged = first
            .strip_suffix('s')
            .is_some_and(|time| time.parse::<f64>().is_ok());
        let begins = ["fde-infra ", "aws ", "docker "];
        let copied = begins
            .iter()
            .any(|begin| line.trim_start().starts_with(begin));
        let unbroken = line.split_whitespace().any(|word| word.len() > 55);
        assert!(
            line.chars().count() <= 80 || logged || copied || unbroken,
            "{line}\n{}",
            ended.screen
        );
    }
}
