//! The things that are left to do for the user once a run has succeeded.

use super::line::{Line, wrap};
use super::style::Style;

/// Something to do, and the lines to copy for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Todo {
    pub text: String,
    pub commands: Vec<String>,
}

/// Columns before a text, and before a command.
const INDENT: usize = 4;

/// `Next:` and below; nothing if there is nothing to do. A command that several texts need stands there once.
pub fn section(todos: &[Todo], width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    let room = width.map(|width| width.saturating_sub(INDENT));
    for todo in todos {
        for text in wrap(&todo.text, room) {
            lines.push(Line::plain(" ".repeat(INDENT)).and(text));
        }
        for command in &todo.commands {
            if !said.contains(&command.as_str()) {
                said.push(command);
                // Never wrapped: it would not survive the copying.
                lines.push(Line::plain(" ".repeat(2 * INDENT)).with(Style::Bold, command));
            }
        }
    }
    if !lines.is_empty() {
        lines.insert(0, Line::styled(Style::Heading, "Next:"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_login_for_two_pushes_stands_there_once() {
        let push = |name: &str| {
            Todo {
            text: format!("`{name}` starts no tasks until its repository has an image; push one:"),
            commands: vec![
                "aws ecr get-login-password --region eu-south-2 | docker login --username AWS --password-stdin \
                 123456789012.dkr.ecr.eu-south-2.amazonaws.com"
                    .to_owned(),
                format!("docker push 123456789012.dkr.ecr.eu-south-2.amazonaws.com/{name}:latest"),
            ],
        }
        };
        let url = Todo {
            text: "The stack answers at http://shop.example".to_owned(),
            commands: Vec::new(),
        };
        let lines = section(&[push("api"), push("web"), url], Some(60));
        let text: String = lines.iter().map(|line| line.render(false) + "\n").collect();
        expect![[r#"
            Next:
                `api` starts no tasks until its repository has an image;
                push one:
                    aws ecr get-login-password --region eu-south-2 | docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-south-2.amazonaws.com
                    docker push 123456789012.dkr.ecr.eu-south-2.amazonaws.com/api:latest
                `web` starts no tasks until its repository has an image;
                push one:
                    docker push 123456789012.dkr.ecr.eu-south-2.amazonaws.com/web:latest
                The stack answers at http://shop.example
        "#]]
        .assert_eq(&text);
        assert_eq!(section(&[], None), []);
    }
}
