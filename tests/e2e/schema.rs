//! `schema`: the schema of stack files, for editors; the one in `stacks/` is the one that is printed.

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{DONE, assert_plain, json};
use crate::common::program::Program;

#[tokio::test]
async fn is_the_committed_one() {
    let world = World::new("e2e-schema").await;
    let program = Program::of(&world).without("AWS_ENDPOINT_URL");
    let ended = program.run_words(&["schema"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_plain(&ended);
    assert_eq!(ended.stderr, "");
    assert!(json(&ended)["properties"].is_object());
    expect_file!["../../stacks/schema.json"].assert_eq(&ended.stdout);
}
