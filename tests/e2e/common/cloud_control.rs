//! Cloud Control by raw requests, in an account of a test's own: what is seen does not depend on how the program asks.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value as Json, json};

use super::{REGION, endpoint, http};

pub const QUEUE: &str = "AWS::SQS::Queue";
pub const VAULT: &str = "AWS::Backup::BackupVault";

/// An account of a test's own, with nothing in it; it ends with the test.
pub struct Account {
    pub endpoint: String,
    pub caller: &'static str,
}

/// The code and the message of a refusal.
#[derive(Debug)]
pub struct Refused(pub String, pub String);

impl Account {
    /// None where another account than the local one is under test.
    pub fn new() -> Option<Self> {
        if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
            return None;
        }
        let answer = http::post(endpoint(), "/_account/fork");
        let answer: Json = serde_json::from_str(&answer).expect("JSON");
        let endpoint = format!("http://127.0.0.1:{}", answer["port"]);
        http::post(&endpoint, "/_account/reset");
        Some(Self {
            endpoint,
            caller: "front",
        })
    }

    pub fn send(&self, service: &str, kind: &str, body: &str) -> (String, String) {
        let host = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("the account listens");
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {host}\r\n{kind}\r\nContent-Length: {}\r\nConnection: close\r\nAuthorization: \
             AWS4-HMAC-SHA256 Credential={}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
            body.len(),
            self.caller
        )
        .expect("the request is sent");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the account answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.split(' ').nth(1).unwrap_or_default();
        (status.to_owned(), body.to_owned())
    }

    /// A call of a service that speaks JSON.
    pub fn call(&self, service: &str, target: &str, body: &Json) -> Result<Json, Refused> {
        let kind = format!("Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: {target}");
        let (status, answer) = self.send(service, &kind, &body.to_string());
        let answer: Json = serde_json::from_str(&answer).unwrap_or(Json::Null);
        if status == "200" {
            return Ok(answer);
        }
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let code = text("__type");
        let code = code.rsplit('#').next().unwrap_or_default();
        Err(Refused(code.to_owned(), text("Message") + &text("message")))
    }

    pub fn control(&self, operation: &str, body: &Json) -> Result<Json, Refused> {
        self.call(
            "cloudcontrolapi",
            &format!("CloudApiService.{operation}"),
            body,
        )
    }

    /// The event with which a write is answered.
    pub fn begin(&self, operation: &str, body: &Json) -> Result<Json, Refused> {
        let mut answer = self.control(operation, body)?;
        Ok(answer["ProgressEvent"].take())
    }

    pub fn look(&self, event: &Json) -> Json {
        let body = json!({ "RequestToken": event["RequestToken"] });
        let mut answer = self
            .control("GetResourceRequestStatus", &body)
            .expect("the request is known");
        answer["ProgressEvent"].take()
    }

    /// The last event of a request.
    pub fn settled(&self, event: Json) -> Json {
        let mut event = event;
        for _ in 0..10 {
            let status = event["OperationStatus"].as_str().expect("a status");
            if !status.ends_with("IN_PROGRESS") {
                return event;
            }
            event = self.look(&event);
        }
        panic!("it does not end: {event}");
    }

    pub fn create(&self, kind: &str, model: &Json) -> Json {
        let body = json!({ "TypeName": kind, "DesiredState": model.to_string() });
        self.settled(self.begin("CreateResource", &body).expect("a good model"))
    }

    /// The identifier of an object that is made.
    pub fn made(&self, kind: &str, model: &Json) -> String {
        let event = self.create(kind, model);
        assert_eq!(event["OperationStatus"], "SUCCESS", "{event}");
        event["Identifier"]
            .as_str()
            .expect("an identifier")
            .to_owned()
    }

    pub fn read(&self, kind: &str, identifier: &str) -> Result<Json, Refused> {
        let body = json!({ "TypeName": kind, "Identifier": identifier });
        let answer = self.control("GetResource", &body)?;
        let text = answer["ResourceDescription"]["Properties"].as_str();
        Ok(serde_json::from_str(text.expect("a model")).expect("JSON"))
    }

    pub fn update(&self, kind: &str, identifier: &str, patch: &Json) -> Result<Json, Refused> {
        let body = json!({ "TypeName": kind, "Identifier": identifier, "PatchDocument": patch.to_string() });
        Ok(self.settled(self.begin("UpdateResource", &body)?))
    }

    /// Sets one property.
    pub fn set(&self, kind: &str, identifier: &str, name: &str, value: &Json) -> Json {
        let patch = json!([{ "op": "add", "path": format!("/{name}"), "value": value }]);
        let event = self.update(kind, identifier, &patch);
        event.unwrap_or_else(|refused| panic!("{kind} {name}: {refused:?}"))
    }

    pub fn delete(&self, kind: &str, identifier: &str) -> Json {
        let body = json!({ "TypeName": kind, "Identifier": identifier });
        self.settled(
            self.begin("DeleteResource", &body)
                .expect("a type that has it"),
        )
    }

    /// The tags of an ARN, as the tagging API has them.
    pub fn tags(&self, arn: &str) -> Json {
        let body = json!({ "ResourceARNList": [arn] });
        let target = "ResourceGroupsTaggingAPI_20170126.GetResources";
        let answer = self.call("tagging", target, &body).expect("the tags");
        let pairs = answer["ResourceTagMappingList"][0]["Tags"]
            .as_array()
            .cloned();
        pairs
            .unwrap_or_default()
            .iter()
            .map(|pair| {
                (
                    pair["Key"].as_str().expect("a key").to_owned(),
                    pair["Value"].clone(),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    pub fn retag(&self, operation: &str, body: &Json) {
        let target = format!("ResourceGroupsTaggingAPI_20170126.{operation}");
        let answer = self.call("tagging", &target, body).expect("an answer");
        assert_eq!(answer["FailedResourcesMap"], json!({}));
    }

    /// Says what the next operation of a type comes to.
    pub fn prepare(&self, script: &Json) {
        http::send(
            &self.endpoint,
            "/_account/cloudcontrol",
            &script.to_string(),
        );
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        http::tell(&self.endpoint, "/_account/stop");
    }
}

pub fn refused<T: std::fmt::Debug>(answer: Result<T, Refused>, code: &str, words: &str) {
    let Refused(found, message) = answer.expect_err("a refusal");
    assert_eq!(found, code, "{message}");
    assert!(message.contains(words), "{words}: {message}");
}

pub fn failed(event: &Json, code: &str, words: &str) {
    assert_eq!(event["OperationStatus"], "FAILED", "{event}");
    assert_eq!(event["ErrorCode"], code, "{event}");
    let message = event["StatusMessage"].as_str().expect("a message");
    assert!(message.contains(words), "{words}: {message}");
}
