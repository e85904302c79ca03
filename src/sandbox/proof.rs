//! The proof of a server that it is the one on record.
//!
//! The account's port is free once the account has ended, and then any user of this machine can listen there and answer
//! with the process number on record, which `ps` shows. So a server makes a random token when it starts and writes it into
//! its record, which this user alone can read. It proves that it has the token without sending it: it answers a question,
//! which is never asked twice, with a keyed hash (HMAC-SHA-256, RFC 2104) over the question, its process and its port. With
//! process and port in it, a proof that another server gives, such as a fork, is of no use to one that passes questions on.

use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Bytes of a question, and of a token.
const LENGTH: usize = 32;

/// Bytes that SHA-256 takes in at a time.
const BLOCK: usize = 64;

/// A question that was never asked before, and that cannot be predicted.
pub(super) fn question() -> io::Result<String> {
    let mut bytes = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hexadecimal(&bytes))
}

/// The one right answer to a question. None if the token is not of the form that a server makes.
pub(super) fn answer(token: &str, question: &str, pid: u32, port: u16) -> Option<String> {
    let is_token =
        token.len() == 2 * LENGTH && token.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_token.then(|| {
        let message = format!("{question} {pid} {port}");
        hexadecimal(&keyed_hash(token.as_bytes(), message.as_bytes()))
    })
}

/// HMAC-SHA-256, for keys that are no longer than a block.
fn keyed_hash(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |padding: u8| {
        let mut block = [padding; BLOCK];
        for (byte, of_key) in block.iter_mut().zip(key) {
            *byte ^= of_key;
        }
        block
    };
    let hash = |block: [u8; BLOCK], rest: &[u8]| -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(block);
        hash.update(rest);
        hash.finalize().to_vec()
    };
    hash(padded(0x5c), &hash(padded(0x36), message))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second test case of RFC 4231.
    #[test]
    fn the_keyed_hash_is_that_of_the_standard() {
        assert_eq!(
            hexadecimal(&keyed_hash(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn no_question_is_asked_twice() {
        let questions = [question().unwrap(), question().unwrap()];
        assert_ne!(questions[0], questions[1]);
        assert_eq!(questions[0].len(), 64);
    }

    #[test]
    fn an_answer_is_for_one_question_to_one_server() {
        let token = "0a".repeat(32);
        let right = answer(&token, "q", 1, 5000);
        assert!(right.is_some());
        for other in [
            answer(&"0b".repeat(32), "q", 1, 5000),
            answer(&token, "r", 1, 5000),
            answer(&token, "q", 2, 5000),
            answer(&token, "q", 1, 5001),
            answer("", "q", 1, 5000),
            answer("short", "q", 1, 5000),
        ] {
            assert_ne!(other, right);
        }
    }
}
