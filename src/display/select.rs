//! A choice at a prompt: with the arrow keys and Enter, or by the letter that a choice begins with.

use std::io;

use console::{Key, Term};

use super::line::Line;
use super::style::Style;

/// A question with its choices, while the user moves among them.
pub struct Select<'a> {
    question: &'a str,
    choices: &'a [&'a str],
    at: usize,
}

/// The effect of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Pressed {
    /// The choice that is marked may be another one.
    Moved,
    Chosen(usize),
    /// Escape, or `q`.
    Left,
}

impl<'a> Select<'a> {
    pub fn new(question: &'a str, choices: &'a [&'a str], at: usize) -> Self {
        Self {
            question,
            choices,
            at,
        }
    }

    /// The lines while the user chooses, each shorter than `width`: a line that is broken could not be taken back.
    pub fn lines(&self, width: usize) -> Vec<Line> {
        let letters: Vec<&str> = self.choices.iter().map(|choice| &choice[..1]).collect();
        let keys = format!(" ({}; arrows and Enter)", letters.join(", "));
        let question = Line::styled(Style::Bold, self.question).with(Style::Faint, keys);
        let choices = self.choices.iter().enumerate().map(|(index, choice)| {
            if index == self.at {
                Line::styled(Style::Bold, format!("> {choice}"))
            } else {
                Line::plain(format!("  {choice}"))
            }
        });
        std::iter::once(question)
            .chain(choices)
            .map(|line| line.cut(width.saturating_sub(1)))
            .collect()
    }

    /// The line that stays of it.
    pub fn answered(&self, chosen: Option<usize>) -> Line {
        let answer = chosen.map_or("", |index| self.choices[index]);
        Line::styled(Style::Bold, self.question).and(format!(" {answer}"))
    }

    pub fn press(&mut self, key: &Key) -> Pressed {
        let count = self.choices.len();
        match key {
            Key::ArrowUp | Key::BackTab => self.at = (self.at + count - 1) % count,
            Key::ArrowDown | Key::Tab => self.at = (self.at + 1) % count,
            Key::Enter => return Pressed::Chosen(self.at),
            Key::Escape => return Pressed::Left,
            Key::Char(letter) => {
                let letter = letter.to_ascii_lowercase();
                let named = |choice: &&str| choice.starts_with(letter);
                match self.choices.iter().position(named) {
                    Some(index) => return Pressed::Chosen(index),
                    None if letter == 'q' => return Pressed::Left,
                    None => {}
                }
            }
            _ => {}
        }
        Pressed::Moved
    }

    /// Asks on a terminal. `None` where the user has left, the terminal went away, or Ctrl-C was pressed.
    pub fn ask(mut self, term: &Term, colour: bool) -> Option<usize> {
        // Hidden while it would stand beside the marked choice.
        let hidden = term.hide_cursor();
        let chosen = hidden.and_then(|()| self.choose(term, colour));
        let shown = term.show_cursor();
        chosen.and_then(|chosen| shown.map(|()| chosen)).ok()?
    }

    fn choose(&mut self, term: &Term, colour: bool) -> io::Result<Option<usize>> {
        loop {
            let (_, columns) = term.size();
            let lines = self.lines(columns.into());
            for line in &lines {
                term.write_line(&line.render(colour))?;
            }
            let pressed = self.press(&term.read_key()?);
            term.clear_last_lines(lines.len())?;
            let chosen = match pressed {
                Pressed::Moved => continue,
                Pressed::Chosen(index) => Some(index),
                Pressed::Left => None,
            };
            term.write_line(&self.answered(chosen).render(colour))?;
            return Ok(chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICES: [&str; 3] = ["yes", "no", "details"];

    fn pressed(keys: &[Key]) -> Pressed {
        let mut select = Select::new("Go on?", &CHOICES, 1);
        let mut last = Pressed::Moved;
        for key in keys {
            assert_eq!(last, Pressed::Moved, "{keys:?} has ended it already");
            last = select.press(key);
        }
        last
    }

    #[test]
    fn letters_choose_at_once() {
        assert_eq!(pressed(&[Key::Char('y')]), Pressed::Chosen(0));
        assert_eq!(pressed(&[Key::Char('N')]), Pressed::Chosen(1));
        assert_eq!(pressed(&[Key::Char('d')]), Pressed::Chosen(2));
        assert_eq!(pressed(&[Key::Char('q')]), Pressed::Left);
        assert_eq!(pressed(&[Key::Escape]), Pressed::Left);
        assert_eq!(pressed(&[Key::Char('x')]), Pressed::Moved);
    }

    #[test]
    fn arrows_go_round() {
        let (up, down) = (Key::ArrowUp, Key::ArrowDown);
        assert_eq!(pressed(&[Key::Enter]), Pressed::Chosen(1));
        assert_eq!(pressed(&[up.clone(), Key::Enter]), Pressed::Chosen(0));
        assert_eq!(pressed(&[up.clone(), up, Key::Enter]), Pressed::Chosen(2));
        let keys = [down.clone(), down, Key::Enter];
        assert_eq!(pressed(&keys), Pressed::Chosen(0));
    }

    #[test]
    fn it_says_which_keys_there_are_and_never_breaks_a_line() {
        let select = Select::new("Do you want to perform this update?", &CHOICES, 1);
        let text = |width| -> Vec<String> {
            let lines = select.lines(width);
            lines.iter().map(|line| line.render(false)).collect()
        };
        assert_eq!(
            text(80),
            [
                "Do you want to perform this update? (y, n, d; arrows and Enter)",
                "  yes",
                "> no",
                "  details"
            ]
        );
        assert!(text(40).iter().all(|line| line.chars().count() < 40));
        assert_eq!(
            select.answered(Some(0)).render(false),
            "Do you want to perform this update? yes"
        );
    }
}
