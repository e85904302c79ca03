//! The last lines of a run: what is left to do after one that succeeded, and what became of one that was stopped.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use aws_sdk_ecr::types::ImageIdentifier;

use crate::common::commands::{CANCELLED, DONE, REFUSED, assert_fits, assert_plain};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::Proxy;
use crate::common::{World, endpoint};
use crate::up::signal;

/// A service whose repository is empty at first, behind a load balancer, with a mail address that has to be confirmed.
const SECTIONS: &str = "\
network: { natGateways: none }
loadBalancer: {}
services:
  api: { repository: e2e-ends-api, port: 8000, default: true, scaling: { min: 1, max: 1 } }
monitoring: { alarmEmails: [ops@example.com] }
";

/// The lines from `Next:` on.
fn next(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines().skip_while(|line| *line != "Next:");
    lines.map(str::trim).collect()
}

#[tokio::test]
async fn a_first_up_ends_with_what_there_is_to_do() {
    let world = World::new("e2e-ends").await;
    let program = Program::of(&world);
    let text = world.file("").replace("resources: {}\n", SECTIONS);
    let first = program.run_file(&text, "up", &["--yes"]);
    assert_eq!(first.status, DONE, "{}", first.screen);
    assert_plain(&first);
    assert_fits(&first);
    // A service without an image is ready at once, so that only the load balancer counts.
    let expected = "Time: about 3 min; the longest step is loadBalancer/alb, usually 2–3 min";
    assert!(first.stdout.contains(expected), "{}", first.screen);
    let took = " (expected: about 3 min)";
    let duration = first
        .stdout
        .lines()
        .find(|line| line.starts_with("Duration: "));
    assert!(
        duration.is_some_and(|line| line.ends_with(took)),
        "{}",
        first.screen
    );
    let url = program.run_words(&["output", STACK, "url"]).stdout;
    let url = url.trim();
    assert!(url.starts_with("http://e2e-ends"), "{url}");
    let registry = "123456789012.dkr.ecr.eu-south-2.amazonaws.com";
    let mail = "gets nothing until its receiver follows";
    let shown = next(&first.stdout);
    let has = |line: &str| shown.iter().any(|shown| shown.contains(line));
    let steps = [
        "`api` starts no tasks until its repository has an image; push one for",
        &format!(
            "aws ecr get-login-password --region eu-south-2 | docker login --username AWS --password-stdin {registry}"
        ),
        &format!("docker push {registry}/e2e-ends-api:latest"),
        "fde-infra up dev",
        mail,
        "The stack answers at",
    ];
    for step in steps {
        assert!(has(step), "{step}\n{}", first.screen);
    }
    assert!(
        shown.last().is_some_and(|last| last.contains(url)),
        "{}",
        first.screen
    );

    // The same steps are left until they are done.
    let second = program.run_file(&text, "up", &["--yes"]);
    assert_eq!(second.status, DONE, "{}", second.screen);
    assert!(
        next(&second.stdout).contains(&steps[2]),
        "{}",
        second.screen
    );

    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        },
        "layers": [],
    });
    let put = world.sdk.ecr.put_image().repository_name("e2e-ends-api");
    let put = put.image_tag("latest").image_manifest(manifest.to_string());
    put.send().await.expect("an image can be put");
    let third = program.run_file(&text, "up", &["--yes"]);
    assert_eq!(third.status, DONE, "{}", third.screen);
    let shown = next(&third.stdout);
    assert!(!third.stdout.contains("docker push"), "{}", third.screen);
    assert!(
        shown.iter().any(|shown| shown.contains(mail)),
        "{}",
        third.screen
    );

    // A tag that is not there is refused before anything waits for it, and costs no call of its own.
    let asked = |ended: &Ended| {
        let calls = ended.calls.iter();
        calls.filter(|call| call.starts_with("ecr:")).count()
    };
    let fits = program.run_words(&["preview", STACK]);
    let slip = ["preview", STACK, "--set", "services.api.image=lates"];
    let refused = program.run_words(&slip);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert!(
        refused
            .stderr
            .contains("the repository does not have the image"),
        "{}",
        refused.screen
    );
    assert!(
        refused.stderr.contains("did you mean `latest`?"),
        "{}",
        refused.screen
    );
    assert_eq!(asked(&refused), asked(&fits), "{:?}", refused.calls);

    // A repository with images is not deleted.
    let listed = world.sdk.ecr.list_images().repository_name("e2e-ends-api");
    let listed = listed.send().await.expect("ECR answers");
    let images: Vec<ImageIdentifier> = listed.image_ids().to_vec();
    let delete = world.sdk.ecr.batch_delete_image();
    let delete = delete
        .repository_name("e2e-ends-api")
        .set_image_ids(Some(images));
    delete.send().await.expect("images can be deleted");
    let destroyed = program.run_file(&text, "destroy", &["--yes"]);
    assert_eq!(destroyed.status, DONE, "{}", destroyed.screen);
}

/// A call without an answer is under way when the program is interrupted twice.
#[tokio::test]
async fn the_last_lines_say_what_goes_on_by_itself() {
    let world = World::new("e2e-ends-twice").await;
    let proxy = Proxy::before(endpoint(), |call| {
        if call.operation == "CreateTopic" {
            // The program has ended by then.
            std::thread::sleep(Duration::from_secs(30));
        }
        None
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let resources = "\
first: { type: aws:cloudwatch:LogGroup }
held: { type: aws:sns:Topic, options: { dependsOn: ['${first}'] } }
third: { type: aws:sns:Topic, options: { dependsOn: ['${held}'] } }
fourth: { type: aws:sns:Topic, options: { dependsOn: ['${third}'] } }
";
    let outputs = "outputs: { group: '${first.name}' }\n";
    program.write("stacks/dev.yaml", &(world.file(resources) + outputs));
    let words = ["up", STACK, "--yes"];
    let mut child = program.start(&words);
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut read = String::new();
    for awaited in ["held creating", "finishing 1 call, up to 7 s; Ctrl-C again"] {
        while !read.contains(awaited) {
            assert_ne!(stdout.read_line(&mut read).expect("lines"), 0, "{read}");
        }
        signal(&child, "-INT");
    }
    stdout.read_to_string(&mut read).expect("the rest");
    let mut output = child.wait_with_output().expect("the program ends");
    output.stdout = read.into_bytes();
    let ended = program.ended(&words, &output, 0);
    assert_eq!(ended.status, CANCELLED, "{}", ended.screen);
    let end = "+ 1 created 1 still under way, and AWS goes on with it: held 2 not begun \
               To go on, run fde-infra up dev";
    assert!(ended.stderr.ends_with(end), "{}", ended.screen);
    assert_eq!(
        ended.raw.matches("nterrupted").count(),
        1,
        "{}",
        ended.screen
    );
    assert!(!ended.stdout.contains("Outputs:"), "{}", ended.screen);
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(resources));
    let again = program.run_words(&words);
    assert_eq!(again.status, DONE, "{}", again.screen);
    world.destroy(resources).await;
}
