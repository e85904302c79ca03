//! The questions to the user on a terminal, and the effects of the answers.

use std::io::{Read, Write};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::common::World;
use crate::common::commands::{CANCELLED, DONE};
use crate::common::program::{Program, STACK};
use crate::common::sdk::Sdk;
use crate::lock::{hold, unlocked};

const QUESTION: &str = "Do you want to perform this update?";

/// The choices are yes, no and details; no is chosen to begin with.
const YES: &str = "\u{1b}[A\r";
const NO: &str = "\r";
const DETAILS: &str = "d";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

const TOPIC: &str = "topic: { type: aws:sns:Topic, properties: { displayName: Shop } }\n";

/// A run on a terminal.
pub struct Session {
    child: Child,
    shown: Arc<(Mutex<String>, Condvar)>,
    /// Reads until the output ends.
    reader: JoinHandle<()>,
    /// The length of the output that has been waited for.
    read: usize,
}

impl Session {
    fn of(program: &Program<'_>, words: &[&str]) -> Self {
        Self::watch(program.start_on_terminal(words))
    }

    /// A run on a terminal of this many columns.
    pub fn in_window(program: &Program<'_>, columns: usize, words: &[&str]) -> Self {
        Self::watch(program.start_in_window(columns, words))
    }

    fn watch(mut child: Child) -> Self {
        let mut screen = child.stdout.take().expect("it is piped");
        let shown = Arc::<(Mutex<String>, Condvar)>::default();
        let writes = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A read can end inside a character.
            let mut unread = Vec::new();
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                unread.extend_from_slice(&bytes[..count]);
                let whole = match std::str::from_utf8(&unread) {
                    Ok(text) => text.len(),
                    Err(error) => error.valid_up_to(),
                };
                let text: Vec<u8> = unread.drain(..whole).collect();
                let text = String::from_utf8_lossy(&text);
                writes.0.lock().expect("nobody failed").push_str(&text);
                writes.1.notify_all();
            }
        });
        Self {
            child,
            shown,
            reader,
            read: 0,
        }
    }

    /// Waits until a text is shown, after those that were waited for before.
    pub fn wait_for(&mut self, text: &str) {
        let (shown, changed) = &*self.shown;
        let shown = shown.lock().expect("nobody failed");
        let from = self.read;
        let (shown, waited) = changed
            .wait_timeout_while(shown, PATIENCE, |shown| !shown[from..].contains(text))
            .expect("nobody failed");
        assert!(!waited.timed_out(), "{text:?} is not shown: {shown}");
        let found = shown[from..].find(text).unwrap_or_default();
        self.read = from + found + text.len();
    }

    pub fn answer(&mut self, keys: &str) {
        let keyboard = self.child.stdin.as_mut().expect("it is piped");
        keyboard.write_all(keys.as_bytes()).expect("keys are taken");
        keyboard.flush().expect("keys are taken");
    }

    pub fn ended(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("it ends");
        // The program can be gone before all that it has written is read.
        self.reader.join().expect("it reads to the end");
        let shown = self.shown.0.lock().expect("nobody failed").clone();
        (status.code(), shown)
    }
}

/// The display name of a stack's topic, if there is one.
async fn display_name(sdk: &Sdk, world: &World) -> Option<String> {
    let name = format!(":{}-topic", world.stack_tag().replace('/', "-"));
    let topics = sdk.sns.list_topics().send().await.expect("topics");
    let topic = topics
        .topics()
        .iter()
        .filter_map(|topic| topic.topic_arn())
        .find(|topic| topic.ends_with(&name))?;
    let attributes = sdk.sns.get_topic_attributes().topic_arn(topic).send();
    let attributes = attributes.await.expect("attributes").attributes?;
    attributes.get("DisplayName").cloned()
}

#[tokio::test]
async fn an_update_wants_a_yes() {
    let world = unlocked("e2e-prompt").await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(TOPIC));
    let mut session = Session::of(&program, &["up", STACK]);
    session.wait_for(QUESTION);
    session.answer(NO);
    let (status, shown) = session.ended();
    assert_eq!(status, CANCELLED, "{shown}");
    assert_eq!(display_name(&world.sdk, &world).await, None);

    let mut session = Session::of(&program, &["up", STACK]);
    session.wait_for(QUESTION);
    session.answer(DETAILS);
    session.wait_for("displayName: \"Shop\"");
    // What was decided on is shown once more.
    session.wait_for("+ 1 to create");
    session.wait_for(QUESTION);
    session.answer(YES);
    let (status, shown) = session.ended();
    assert_eq!(status, DONE, "{shown}");
    let name = display_name(&world.sdk, &world).await;
    assert_eq!(name.as_deref(), Some("Shop"));
    world.destroy(TOPIC).await;
}

/// A letter is an answer, and `q` and Escape are a no.
#[tokio::test]
async fn letters_answer() {
    let world = unlocked("e2e-prompt-letters").await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(TOPIC));
    for (keys, status) in [("q", CANCELLED), ("\u{1b}", CANCELLED), ("y", DONE)] {
        assert_eq!(display_name(&world.sdk, &world).await, None, "{keys:?}");
        let mut session = Session::of(&program, &["up", STACK]);
        session.wait_for(QUESTION);
        session.answer(keys);
        let ended = session.ended();
        assert_eq!(ended.0, status, "{keys:?}: {}", ended.1);
    }
    let name = display_name(&world.sdk, &world).await;
    assert_eq!(name.as_deref(), Some("Shop"));
    world.destroy(TOPIC).await;
}

/// There is no undo, so the name is typed; a wrong one may be typed again, and none is a no.
#[tokio::test]
async fn a_destroy_wants_the_name() {
    let world = unlocked("e2e-prompt-destroy").await;
    world.up(TOPIC).await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(TOPIC));
    let question = format!("Type {} to destroy 1 resource:", world.stack_tag());
    let mut session = Session::of(&program, &["destroy", STACK]);
    session.wait_for(&question);
    session.answer("\n");
    let (status, shown) = session.ended();
    assert_eq!(status, CANCELLED, "{shown}");
    let name = display_name(&world.sdk, &world).await;
    assert_eq!(name.as_deref(), Some("Shop"));

    let mut session = Session::of(&program, &["destroy", STACK]);
    session.wait_for(&question);
    session.answer("shop\n");
    session.wait_for("`shop` is not the name of the stack.");
    session.wait_for(&question);
    session.answer(&format!("{}\n", world.stack_tag()));
    let (status, shown) = session.ended();
    assert_eq!(status, DONE, "{shown}");
    assert_eq!(display_name(&world.sdk, &world).await, None);
}

/// Three questions make a stack.
#[tokio::test]
async fn a_first_stack_is_asked_for() {
    let world = World::new("e2e-prompt-init").await;
    let program = Program::of(&world);
    let mut session = Session::of(&program, &["init"]);
    session.wait_for("Name of the platform:");
    session.answer("shop\n");
    session.wait_for("Kind of environment?");
    session.answer("s");
    session.wait_for("AWS region, such as eu-south-2:");
    session.answer("eu-west-1\n");
    let (status, shown) = session.ended();
    assert_eq!(status, DONE, "{shown}");
    let file = program.directory().join("stacks/staging.yaml");
    let text = std::fs::read_to_string(file).expect("it is written");
    assert!(
        text.starts_with("name: shop\nenvironment: staging"),
        "{text}"
    );
    assert!(text.contains("\nregion: eu-west-1\n"), "{text}");
}

/// While the question stands there, another party is at work: the yes was to another plan.
#[tokio::test]
async fn a_plan_that_is_another_by_now_is_asked_about_again() {
    let world = unlocked("e2e-prompt-again").await;
    world.up(TOPIC).await;
    let vpc = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }\n";
    let wanted = format!("{}{vpc}", TOPIC.replace("Shop", "Market"));
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(&wanted));
    let mut session = Session::of(&program, &["up", STACK]);
    session.wait_for(QUESTION);
    // Another run, with a lease that ends soon.
    world.up(&format!("{TOPIC}{vpc}")).await;
    hold(&world, 2).await;
    session.answer(YES);
    session.wait_for("The stack has changed in the meantime");
    session.wait_for(QUESTION);
    session.answer(NO);
    let (status, shown) = session.ended();
    assert_eq!(status, CANCELLED, "{shown}");
    let name = display_name(&world.sdk, &world).await;
    assert_eq!(name.as_deref(), Some("Shop"), "{shown}");
    world.destroy(&wanted).await;
}
